"""The multiplier that RTL and netlist have alike, and its proof in all cases.

No solver shows within minutes that an array of adders and one after Booth are the same; so the products of
the RTL are made of a multiplier that synthesis would make, which is compared with arithmetic by itself.
"""

__all__ = ["MAP", "NAME", "VERILOG", "multiplier_holds"]

import numpy as np

from base_chip.synth.proof.circuit import Bit, Circuit, Functions, Words

NAME = "scf_multiplier"
BITS = 8  # of each factor: 65,536 cases
VERILOG = f"""module {NAME}(input signed [{BITS - 1}:0] A, B, output signed [{2 * BITS - 1}:0] Y);
  assign Y = A * B;
endmodule
"""
# Products of other widths stay with Yosys' own array.
MAP = f"""module \\$mul (A, B, Y);
  parameter A_SIGNED = 0, B_SIGNED = 0, A_WIDTH = 1, B_WIDTH = 1, Y_WIDTH = 1;
  input [A_WIDTH-1:0] A;
  input [B_WIDTH-1:0] B;
  output [Y_WIDTH-1:0] Y;
  localparam OTHER = A_WIDTH != {BITS} || B_WIDTH != {BITS} || Y_WIDTH != {2 * BITS};
  wire _TECHMAP_FAIL_ = !A_SIGNED || !B_SIGNED || OTHER;
  {NAME} _TECHMAP_REPLACE_ (.A(A), .B(B), .Y(Y));
endmodule
"""


def multiplier_holds(circuit: Circuit) -> bool:
    """Whether a circuit with the multiplier's ports gives the product of all pairs of factors."""
    factors = np.arange(1 << BITS).astype(np.uint8).astype(np.int8).astype(int)
    a, b = (grid.ravel() for grid in np.meshgrid(factors, factors))
    known: dict[Bit, int] = {}
    for n in range(BITS):
        known |= {circuit.inputs[f"A[{n}]"]: _word(a >> n), circuit.inputs[f"B[{n}]"]: _word(b >> n)}
    functions = Functions(circuit, Words(len(a)), known, lambda _: 0)
    told = [functions.of(circuit.outputs[f"Y[{n}]"]) for n in range(2 * BITS)]
    return told == [_word(a * b >> n) for n in range(2 * BITS)]


def _word(values: np.ndarray) -> int:
    """The lowest bits of all values, as bits of one number."""
    return int.from_bytes(np.packbits((values & 1).astype(np.uint8), bitorder="little").tobytes(), "little")
