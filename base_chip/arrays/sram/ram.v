// @NAME@: SRAM macro of @WORDS@ words of @BITS@ bits, written by bytes.
//
// clk high precharges, clk low reads and writes, at word 8 g + i of the one a[i] that is high and the one b_n[g]
// that is low. With `enable` the word comes to q after the falling edge of clk and stays there until the next
// read. Bytes whose `write` is high are written from d. All inputs are steady while clk is low. Bytes that are
// read and written in the same cycle read unknown.
//
// More than one word at a time is reported and counted in `faults`: a read gives what the cells of all pull low
// together, a write reaches all.
//
// A testbench may clear `watched` until reset has reached every register: till then pins that are unknown ask for
// nothing, more than one word is no fault, and bytes that are read and written at once are known.
//
// `ram` holds the contents, which a testbench may fill itself; they are unknown to begin with.
`ifndef SCF_BANK_DELAY
`define SCF_BANK_DELAY 0.1
`endif
`timescale 1ns / 1ps
module @NAME@ (
`ifdef USE_POWER_PINS
    inout VPWR,
    inout VGND,
`endif
    input clk,
    input enable,
    input [7:0] a,
    input [@GROUPS@-1:0] b_n,
    input [@BYTES@-1:0] write,
    input [@BITS@-1:0] d,
    output reg [@BITS@-1:0] q
);
  localparam WORDS = @WORDS@;
  localparam BITS = @BITS@;
  localparam GROUPS = @GROUPS@;

  reg [BITS-1:0] ram[0:WORDS-1];
  integer faults = 0;
  reg watched = 1;

  // Bit lines that have fallen stay low until the read ends; words stay counted until clk rises.
  reg [BITS-1:0] high, mask;
  reg [WORDS-1:0] now, word;
  reg reading;
  integer group, row, bit_;
  initial begin
    reading = 0;
    word = 0;
  end
  task access;
    begin
      now = 0;
      for (group = 0; group < GROUPS; group = group + 1)
      if (!b_n[group]) for (row = 0; row < 8; row = row + 1) now[8*group+row] = a[row];
      for (bit_ = 0; bit_ < BITS; bit_ = bit_ + 1) mask[bit_] = write[bit_/8];
      if (enable || mask != 0) begin
        word = word | now;
        if (watched && (word & (word - 1'b1)) != 0) begin
          faults = faults + 1;
          $display("ERROR: %m: %0t: more than one word is addressed", $time);
        end
      end
      if (enable) begin
        if (!reading) high = {BITS{1'b1}};
        reading = 1;
        for (row = 0; row < WORDS; row = row + 1) if (now[row]) high = high & ram[row];
      end
      for (row = 0; row < WORDS; row = row + 1)
      if (now[row]) ram[row] = (ram[row] & ~mask) | (d & mask);
    end
  endtask

`ifdef VERILATOR
  // Rise once with each read, and with each byte that is written: for the energy of a token.
  /* verilator tracing_on */
  wire reads = enable & ~clk;
  wire [@BYTES@-1:0] writes = write & {@BYTES@{~clk}};
  /* verilator tracing_off */
  always @(negedge clk) begin
    word = 0;
    reading = 0;
    access;
    if (enable) q <= high;
  end
`else
  always @(clk or enable or a or b_n or write or d) begin
    #`SCF_BANK_DELAY;
    if (clk === 1'b0) begin
      if (^{enable, write} === 1'bx || ((enable || write != 0) && ^{a, b_n} === 1'bx)) begin
        if (watched && enable !== 1'b0) q = {BITS{1'bx}};
        if (watched && write !== {@BYTES@{1'b0}}) for (row = 0; row < WORDS; row = row + 1) ram[row] = {BITS{1'bx}};
      end else begin
        access;
        if (enable) q = watched ? high ^ (mask & {BITS{1'bx}}) : high;
      end
    end else begin
      if (watched && clk === 1'bx) q = {BITS{1'bx}};
      word = 0;
      reading = 0;
    end
  end
`endif
endmodule
