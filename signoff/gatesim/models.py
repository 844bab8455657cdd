"""The kit's cell models in a form that Verilator reads, and what it traces: all that holds a value."""

__all__ = ["cell_models", "tracing_memories", "tracing_states"]

import re
from pathlib import Path

from rtl_gen.cells import functional_model
from rtl_gen.errors import FlowError

PREFIX = "sky130_fd_sc_hd__"
OFF, ON = "/* verilator tracing_off */", "/* verilator tracing_on */"
DECLARED = re.compile(r"^\s*(?:input|output|wire)\b[^;]*;", re.M)

# Verilator has neither user-defined primitives nor drive strengths. The cells' own models are used as
# they are; what they stand on is replaced by these, which a test compares with the kit's in Icarus.
PRIMITIVES = f"""
module sky130_fd_sc_hd__udp_dff$P (output reg Q, {OFF} input D, input CLK {ON});
  always @(posedge CLK) Q <= D;
endmodule
module sky130_fd_sc_hd__udp_dlatch$P (output reg Q, {OFF} input D, input GATE {ON});
  always @* if (GATE) Q = D;
endmodule
module sky130_fd_sc_hd__udp_mux_2to1 ({OFF} output X, input A0, input A1, input S {ON});
  assign X = S ? A1 : A0;
endmodule
module sky130_fd_sc_hd__udp_mux_2to1_N ({OFF} output Y, input A0, input A1, input S {ON});
  assign Y = ~(S ? A1 : A0);
endmodule
module sky130_fd_sc_hd__udp_mux_4to2
    ({OFF} output X, input A0, input A1, input A2, input A3, input S0, input S1 {ON});
  assign X = S1 ? (S0 ? A3 : A2) : (S0 ? A1 : A0);
endmodule
"""
KNOWN = frozenset(re.findall(r"module (\S+)", PRIMITIVES))
PULL = re.compile(r"\bpull(up|down)\s+\w+\s*\(\s*(\w+)\s*\)\s*;")


def cell_models(netlist: str, cells: Path) -> str:
    """Verilog of every cell that a netlist uses, from the kit's functional models.

    Args:
        netlist: Verilog text.
        cells: Folder of the kit's cells.

    Raises:
        FlowError: A cell has no model, or its model needs a primitive that is not known here.
    """
    out = [PRIMITIVES]
    for cell, size in sorted(set(re.findall(rf"\b{PREFIX}(\w+)_(\w+) ", netlist))):
        text, path = functional_model(cells, f"{PREFIX}{cell}_{size}")
        if strange := set(re.findall(rf"{PREFIX}udp_[\w$]+(?=\s)", _code(text))) - KNOWN:
            raise FlowError(
                f"the model of {cell} uses {', '.join(sorted(strange))}, which this simulation does not know",
                where=str(path),
                hint="Keep the cell out of the netlist, or add the primitive to signoff/gatesim/models.py.",
            )
        out.append(_code(text))
    return "\n".join(out)


def tracing_states(text: str) -> str:
    """Models of cells, or modules made of them, of which nothing is traced but what `PRIMITIVES` hold.

    What is between them follows from it (signoff.power.rises), and takes a third of the compiler's time.
    """
    return DECLARED.sub(lambda m: f"{OFF}{m[0]}{ON}", text)


def tracing_memories(text: str) -> str:
    """Models of memories, of which their output is traced, and what they ask for themselves."""
    return f"{OFF}\n" + re.sub(r"\boutput reg (\[[^\]]*\] )?q\b", lambda m: f"{ON}{m[0]} {OFF}", text)


def _code(text: str) -> str:
    """A model without its includes and delays, and with pulls as assignments."""
    text = re.sub(r"^`include .*$", "", text, flags=re.M).replace("`UNIT_DELAY", "")
    return PULL.sub(lambda m: f"assign {m[2]} = {int(m[1] == 'up')};", text)
