// The host of a timed chip: resets it, sends the bytes of a file, prints every byte that comes back.
//
// The clock rises at multiples of the period. Inputs change a fixed time after that, outputs are looked at a fixed
// time before the next. Plusargs:
//   bytes, count   file of hexadecimal bytes to send, and their number
//   runs           file of runs, which follow each other, a line each; times in ns:
//     period, high   of the clock, and how long of it the clock is high
//     input, output  when inputs change after an edge, and outputs are taken before the next
//     reset          when the reset changes after an edge
//     sweep          how much later inputs change from cycle to cycle, until they are back at `input`; reset then
//                    changes in every cycle (a control)
//     shrink         by what part every time above gets shorter from cycle to cycle (a control)
//     again          after so many cycles reset comes once more, and the bytes anew (0: never): a chip that a control
//                    has led astray may wait for ever
//     tokens, patience, cycles   ends after so many cycles, or when these are 0 after so many tokens; or after so many
//                    cycles without a token
//     until          ends at the first violation of this kind (-: of none)
//     first, sent    0: from a reset on; else in this cycle, after so many bytes: the chip holds what it holds then
//     last           writes what the chip holds when this cycle begins to last.txt (0: never)
// The first run fills memories from begin.txt. A run that begins without a reset writes what the chip holds then to
// first.txt, and counts from its second cycle on: the first one belongs to the part before.
// Prints TOKEN value cycle | LAST sent seen | FAULT why, and of each run what `limits.c` reports and END cycle. The
// modules `chip` and the memories' are written by timed.py.
`timescale 1ns / 1ps
module host;
  reg clk = 0, rst = 1, rx_valid = 0;
  reg [7:0] rx_data = 0;
  wire rx_ready, tx_valid;
  wire [7:0] tx_data;
  chip chip (
      .clk(clk),
      .rst(rst),
      .rx_valid(rx_valid),
      .rx_data(rx_data),
      .rx_ready(rx_ready),
      .tx_valid(tx_valid),
      .tx_data(tx_data),
      .tx_ready(1'b1)
  );
  localparam RESET = 4, MOST = 65536, FIELDS = 15;
  reg [7:0] bytes[0:MOST-1];
  reg [8*256-1:0] file, runs;
  reg [8*16-1:0] kind;
  real period, high, in, out, reset, sweep, late, shrink;
  integer list, fields, count, tokens, patience, cycles, again;
  integer cycle, first, last, given, sent, seen, quiet;
  reg taken = 0, loaded = 0, ending, resets;

  initial begin
    if (!$value$plusargs("bytes=%s", file) || !$value$plusargs("count=%d", count) ||
        !$value$plusargs("runs=%s", runs)) begin
      $display("FAULT a plusarg is missing");
      $finish;
    end
    $readmemh(file, bytes, 0, count - 1);
    list = $fopen(runs, "r");
    if (list == 0) $display("FAULT there are no runs");
    else begin
      next;
      while (fields == FIELDS) begin
        run;
        next;
      end
      if (fields > 0) $display("FAULT a run of %0d fields", fields);
    end
    $finish;
  end

  task next;
    fields = $fscanf(list, "%f %f %f %f %f %f %f %d %d %d %d %s %d %d %d\n",
                     period, high, in, out, reset, sweep, shrink, again, tokens, patience, cycles, kind, first,
                     given, last);
  endtask

  task run;
    begin
      rst = first == 0;
      sent = given;
      rx_valid = first > 0 && sent < count;
      rx_data = sent < count ? bytes[sent] : 8'h00;
      late = in;
      cycle = first > 0 ? first : -RESET;
      seen = 0;
      quiet = 0;
      ending = 0;
      #(2 * period);  // what is not known yet settles: the clock is low
      if (!loaded) begin
        $scf_load("begin.txt");
        loaded = 1;
        #(2 * period);
      end
      if (first > 0) $scf_keep("first.txt");
      while (!ending) begin
        if (cycle == first) -> chip.scf_known;
        if (cycle == (first > 0 ? first + 1 : 0)) $scf_begin;
        if (last > 0 && cycle == last) begin
          $scf_keep("last.txt");
          $display("LAST %0d %0d", sent, seen);
        end
        resets = cycle < -1 || (sweep > 0 && cycle % 2 != 0) || (again > 0 && cycle % again >= again - RESET);
        // What was decided before the edge takes effect after it.
        clk = 1;
        fork
          #(high) clk = 0;
          #(late + reset - in) rst = resets;
          #(late) begin
            if (resets) sent = 0;
            rx_valid = cycle >= -1 && sent < count;
            rx_data = sent < count ? bytes[sent] : 8'h00;
          end
          #(period - out) begin
            taken = rx_valid && rx_ready === 1'b1;
            if (taken) sent = sent + 1;
            quiet = quiet + 1;
            if (cycle >= 0 && tx_valid !== 1'b0) begin
              $display("TOKEN %0d %0d", tx_data, cycle);
              $fflush;
              if ((^{tx_valid, tx_data}) === 1'bx) $display("FAULT an output is unknown in cycle %0d", cycle);
              seen = seen + 1;
              quiet = 0;
            end
          end
          #(period);
        join
        if (cycle >= 0) begin
          period = period * (1 - shrink);
          high = high * (1 - shrink);
          in = in * (1 - shrink);
          out = out * (1 - shrink);
          reset = reset * (1 - shrink);
        end
        cycle = cycle + 1;
        late = late + sweep;
        if (late > period / 2) late = in;
        ending = (cycles == 0 && seen == tokens) || quiet > patience || (cycles > 0 && cycle >= cycles) || $scf_found(kind) > 0;
      end
      if (quiet > patience) $display("FAULT no token for %0d cycles", quiet);
      $scf_report;
      $display("END %0d", cycle);
    end
  endtask
endmodule
