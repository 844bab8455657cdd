// @NAME@: via-programmable ROM macro of @WORDS@ words of @BITS@ bits.
//
// clk high precharges, clk low reads: from the falling edge of clk the word of the one a[i] that is high and the
// one b_n[g] that is low, word 8 g + i, comes to q, where it stays until the next read. Inputs are steady while
// clk is low. Without `enable` nothing is read and q stays. q is low where there is a via.
//
// More than one word at a time is reported, counted in `faults`, and reads what their vias do together, as on
// silicon; no word reads all ones.
//
// Contents: one line of hexadecimal digits a word, bit 0 in the lowest bit, a 1 for a via, from the file that INIT
// names; without INIT from <dir>/<instance path>.hex if the plusarg +scf_bank_dir=<dir> is given. A testbench may
// fill `rom` itself.
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
    input clk,
    input enable,
    input [7:0] a,
    input [@GROUPS@-1:0] b_n,
    output reg [@BITS@-1:0] q
);
  localparam WORDS = @WORDS@;
  localparam BITS = @BITS@;
  localparam GROUPS = @GROUPS@;

  reg [BITS-1:0] rom[0:WORDS-1];
  integer faults = 0;
  reg [8*1024-1:0] dir, path;

  initial begin
    if (INIT != "") $readmemh(INIT, rom);
    else if ($value$plusargs("scf_bank_dir=%s", dir)) begin
      $sformat(path, "%0s/%m.hex", dir);
      $readmemh(path, rom);
    end
  end

  // What the words that are read pull low; bit lines that have fallen stay low until the read ends.
  reg [BITS-1:0] pulled;
  reg reading;
  reg [WORDS-1:0] now, word;
  integer group, row;
  initial reading = 0;
  task pull;
    begin
      now = 0;
      for (group = 0; group < GROUPS; group = group + 1)
      if (!b_n[group]) for (row = 0; row < 8; row = row + 1) now[8*group+row] = a[row];
      word = reading ? word | now : now;
      pulled = reading ? pulled : 0;
      reading = 1;
      if ((word & (word - 1'b1)) != 0) begin
        faults = faults + 1;
        $display("ERROR: %m: %0t: more than one word is read", $time);
      end
      for (row = 0; row < WORDS; row = row + 1) if (now[row]) pulled = pulled | rom[row];
    end
  endtask

`ifdef VERILATOR
  always @(negedge clk)
    if (enable) begin
      reading = 0;
      pull;
      q <= ~pulled;
    end
`else
  always @(clk or enable or a or b_n) begin
    #`SCF_BANK_DELAY;
    if (clk === 1'b0 && enable === 1'b1) begin
      if (^{a, b_n} === 1'bx) q = {BITS{1'bx}};
      else begin
        pull;
        q = ~pulled;
      end
    end else begin
      if (clk === 1'bx || (clk === 1'b0 && enable === 1'bx)) q = {BITS{1'bx}};
      reading = 0;
    end
  end
`endif
endmodule
