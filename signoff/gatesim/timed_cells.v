// Storage of a timed netlist: what starts it moves it at once, and its delay is behind it.
//
// Tens of thousands of primitives are elaborated and run faster than so many `always`. A primitive has no parameter
// for what it begins with.
`define SCF_FLOP(name, start) \
primitive name (q, data, clock); \
  output q; \
  reg q; \
  input data, clock; \
  initial q = start; \
  table \
    0 (01) : ? : 0; \
    1 (01) : ? : 1; \
    x (01) : ? : x; \
    /* A clock that may have risen leaves nothing known; one that is not yet known has not risen. */ \
    ? (0x) : ? : x; \
    ? (x1) : ? : -; \
    ? n : ? : -; \
    * ? : ? : -; \
  endtable \
endprimitive

`SCF_FLOP(scf_flop0, 0)
`SCF_FLOP(scf_flop1, 1)

// A clock gate: what it lets through of a clock is decided when the clock moves.
primitive scf_gate (q, enable, clock);
  output q;
  reg q;
  input enable, clock;
  initial q = 0;
  table
    0 (?1) : ? : 0;
    1 (?1) : ? : 1;
    x (?1) : ? : x;
    ? (?0) : ? : 0;
    0 (?x) : ? : 0;
    1 (?x) : ? : x;
    x (?x) : ? : x;
    * ?    : ? : -;
  endtable
endprimitive
