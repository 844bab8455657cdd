// @NAME@: via-programmable ROM bank of @WORD_LINES@ word lines and @BIT_LINES@ bit lines.
//
// Dynamic NOR bit lines. While PRE_N is low every bit line is precharged to 1. While PRE_N is high, a bit
// line falls when a word line with a via on it is high, and stays low until the next precharge.
//
// Every change shows on BL after SCF_BANK_DELAY, so a flop clocked by the edge that starts the precharge
// still captures the old value in a simulation without cell delays. Pulses shorter than that (glitches
// of a decoder without delays) have no effect.
//
// A word line that is high during precharge makes BL unknown and is reported, as is more than one high
// word line (whose vias then act together, as on silicon). `faults` counts the reports.
//
// Contents: one line of hexadecimal digits a word line, BL[0] in the lowest bit, from the file that INIT
// names; without INIT from <dir>/<instance path>.hex if the plusarg +scf_bank_dir=<dir> is given. A
// testbench may fill `rom` itself.
`ifndef SCF_BANK_DELAY
`define SCF_BANK_DELAY 0.1
`endif
`timescale 1ns / 1ps
module @NAME@ #(
    parameter INIT = ""
) (
`ifdef USE_POWER_PINS
    inout VPWR,
    inout VGND,
`endif
    input [@WORD_LINES@-1:0] WL,
    input PRE_N,
    output reg [@BIT_LINES@-1:0] BL
);
  localparam WORD_LINES = @WORD_LINES@;
  localparam BIT_LINES = @BIT_LINES@;

  reg [BIT_LINES-1:0] rom[0:WORD_LINES-1];
  integer faults = 0;
  reg [8*1024-1:0] dir, path;

  initial begin
    if (INIT != "") $readmemh(INIT, rom);
    else if ($value$plusargs("scf_bank_dir=%s", dir)) begin
      $sformat(path, "%0s/%m.hex", dir);
      $readmemh(path, rom);
    end
  end

  task fault(input [8*40-1:0] what);
    begin
      faults = faults + 1;
      $display("ERROR: %m: %0t: %0s", $time, what);
    end
  endtask

  // What the high word lines pull low. One at a time is the rule, and found by bisection.
  reg [BIT_LINES-1:0] pulled;
  reg [WORD_LINES-1:0] rest;
  integer word, step;
  task pull;
    begin
      pulled = 0;
      if ((WL & (WL - 1'b1)) != 0) begin
        fault("more than one word line is high");
        for (word = 0; word < WORD_LINES; word = word + 1) if (WL[word]) pulled = pulled | rom[word];
      end else if (WL != 0) begin
        rest = WL;
        word = 0;
        for (step = 1 << ($clog2(WORD_LINES) - 1); step > 0; step = step / 2)
        if ((rest >> step) != 0) begin
          rest = rest >> step;
          word = word + step;
        end
        pulled = rom[word];
      end
    end
  endtask

`ifdef VERILATOR
  // Without delays, and in two-valued logic: changes come with the edges of PRE_N, as registers' do, so
  // that a flop clocked by the same edge captures the old value. Word lines have settled by then.
  initial BL = {BIT_LINES{1'b1}};
  always @(posedge PRE_N or negedge PRE_N) begin
    if (!PRE_N) begin
      if (|WL) fault("a word line is high during precharge");
      BL <= {BIT_LINES{1'b1}};
    end else begin
      pull;
      BL <= ~pulled;
    end
  end
`else
  always @(WL or PRE_N) begin
    #`SCF_BANK_DELAY;
    if (PRE_N === 1'b0) begin
      if ((|WL) === 1'b1) begin
        fault("a word line is high during precharge");
        BL = {BIT_LINES{1'bx}};
      end else if ((|WL) === 1'bx) BL = {BIT_LINES{1'bx}};
      else BL = {BIT_LINES{1'b1}};
    end else if (PRE_N === 1'b1 && (^WL) !== 1'bx) begin
      pull;
      BL = BL & ~pulled;
    end else BL = BL & {BIT_LINES{1'bx}};
  end
`endif
endmodule
