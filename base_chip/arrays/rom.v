// @NAME@: via-programmable ROM macro of @WORDS@ rows of @BITS@ bits, @MUX@ of them an output.
//
// clk high precharges, clk low reads: from the falling edge of clk the word of the one a[i] that is high and the
// one b_n[g] that is low, word 8 g + i, comes to q, where it stays until the next read. Inputs are steady while
// clk is low. Without `enable` nothing is read and q stays. q is low where there is a via.
//
// With more than one bit an output, q[n] is bit @MUX@ n + i of the row, for the one select[i] that is high. More
// than one is a fault, as more than one word is, and reads a via where all of them have one.
//
// More than one word at a time is reported, counted in `faults`, and reads what their vias do together, as on
// silicon; no word reads all ones. A testbench may clear `watched` until reset has reached every register: till then
// that is no fault, and pins that are unknown ask for nothing.
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
    input [@GROUPS@-1:0] b_n,@PORT@
    output reg [@BITS@/@MUX@-1:0] q
);
  localparam WORDS = @WORDS@;
  localparam BITS = @BITS@;
  localparam GROUPS = @GROUPS@;
  localparam MUX = @MUX@;
  localparam OUTPUTS = BITS / MUX;
  wire [MUX-1:0] selected = @SELECT@;

  reg [BITS-1:0] rom[0:WORDS-1];
  integer faults = 0;
  reg watched = 1;
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
  reg [OUTPUTS-1:0] value;
  reg reading;
  reg [WORDS-1:0] now, word;
  integer group, row, out;
  initial reading = 0;
  task pull;
    begin
      now = 0;
      for (group = 0; group < GROUPS; group = group + 1)
      if (!b_n[group]) for (row = 0; row < 8; row = row + 1) now[8*group+row] = a[row];
      word = reading ? word | now : now;
      pulled = reading ? pulled : 0;
      reading = 1;
      if (watched && (word & (word - 1'b1)) != 0) begin
        faults = faults + 1;
        $display("ERROR: %m: %0t: more than one word is read", $time);
      end
      if (watched && (selected & (selected - 1'b1)) != 0) begin
        faults = faults + 1;
        $display("ERROR: %m: %0t: more than one column is selected", $time);
      end
      for (row = 0; row < WORDS; row = row + 1) if (now[row]) pulled = pulled | rom[row];
      if (MUX == 1) value = ~pulled[OUTPUTS-1:0];
      else for (out = 0; out < OUTPUTS; out = out + 1) value[out] = |(selected & ~pulled[MUX*out+:MUX]);
    end
  endtask

`ifdef VERILATOR
  // Rises once with each read: for the energy of a token.
  /* verilator tracing_on */
  wire reads = enable & ~clk;
  /* verilator tracing_off */
  always @(negedge clk)
    if (enable) begin
      reading = 0;
      pull;
      q <= value;
    end
`else
  always @(clk or enable or a or b_n or selected) begin
    #`SCF_BANK_DELAY;
    if (clk === 1'b0 && enable === 1'b1) begin
      if (^{a, b_n, selected} === 1'bx) begin
        if (watched) q = {OUTPUTS{1'bx}};
      end else begin
        pull;
        q = value;
      end
    end else begin
      if (watched && (clk === 1'bx || (clk === 1'b0 && enable === 1'bx))) q = {OUTPUTS{1'bx}};
      reading = 0;
    end
  end
`endif
endmodule
