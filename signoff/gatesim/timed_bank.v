// A bank whose bit lines move by delays outside it (signoff/gatesim/timed.py), and that measures its precharge.
//
// Word lines and PRE_N come from one gate by ways of different length, so they overlap a little at both ends of
// the evaluation. Bit lines fall from when a word line and PRE_N are both high, and precharge counts from when
// all word lines and PRE_N are low.
`timescale 1ns / 1ps
module timed_bank #(
    parameter real PRECHARGE = 1
) (
    input [@WORD_LINES@-1:0] WL,
    input PRE_N,
    output [@BIT_LINES@-1:0] BL
);
  @NAME@ bank (
      .WL(WL & {@WORD_LINES@{PRE_N}}),
      .PRE_N(PRE_N),
      .BL(BL)
  );
  real began = -1;
  wire precharge = ~PRE_N & ~|WL;
  always @(precharge)
    if (precharge) began = $realtime;
    else if (began >= 0 && $realtime - began < PRECHARGE)
      $display("VIOLATION precharge %m at %0t ps by %0.0f ps", $time, 1000 * (PRECHARGE - $realtime + began));
endmodule
