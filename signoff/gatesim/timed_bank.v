// A bank whose bit lines move by delays outside it (signoff/gatesim/timed.py), and that measures its precharge.
//
// Word lines and PRE_N come from one gate by ways of different length, so they overlap a little at both ends of
// the evaluation. Bit lines fall from when a word line and PRE_N are both high, and precharge counts from when
// all word lines and PRE_N are low.
//
// Bit lines start charged, as registers start from values: nothing in the chip is unknown, unless it is wrong.
`timescale 1ns / 1ps
module timed_bank #(
    parameter real PRECHARGE = 1,
    parameter CONTENTS = ""
) (
    input [@WORD_LINES@-1:0] WL,
    input PRE_N,
    output [@BIT_LINES@-1:0] BL
);
  reg on = 0;
  always @(PRE_N) if (PRE_N === 0) on = 1;
  @NAME@ #(
      .INIT(CONTENTS)
  ) bank (
      .WL(WL & {@WORD_LINES@{PRE_N & on}}),
      .PRE_N(PRE_N & on),
      .BL(BL)
  );
  initial bank.BL = {@BIT_LINES@{1'b1}};
  real began = -1;
  integer lack;
  wire precharge = ~PRE_N & ~|WL;
  always @(precharge)
    if (precharge) began = $realtime;
    else if (began >= 0 && $realtime - began < PRECHARGE) begin
      lack = 1000 * (PRECHARGE - $realtime + began);
      $scf_precharge(CONTENTS, lack);
    end
endmodule
