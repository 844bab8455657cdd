"""RTL and mapped netlist as flat circuits of simple gates, by Yosys."""

__all__ = ["OWN_MODELS", "Pair", "read_pair"]

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from base_chip.synth.mapping import PREFIX
from base_chip.synth.proof.circuit import Circuit
from base_chip.synth.proof.multiplier import MAP, NAME, VERILOG
from base_chip.synth.yosys import run_yosys
from rtl_gen.cells import functional_model
from rtl_gen.errors import ExitCode, FlowError

# No pass that makes RTL better by reasoning about it, as synthesis has them: a fault there would be in both.
# Factors of products alone lose bits that repeat their sign. Silicon starts from any state, so that initial
# values are left out.
SCRIPT = """
read_verilog rtl.v macros.v
hierarchy -check -top {top}
proc
setattr -unset init w:*
flatten
read_verilog multiplier.v
wreduce {top}/t:$mul
techmap -map multiplier_map.v {top}
tee -o multipliers.txt select -count t:{multiplier}
booth {multiplier}
techmap {multiplier}
clean {multiplier}
select {multiplier}
write_json -selected multiplier.nets
select -clear
flatten
opt_clean
dffunmap
techmap
dffunmap
opt_clean
write_json rtl.nets
design -reset
read_verilog macros.v cells.v netlist.v
hierarchy -check -top {top}
proc
flatten
opt_clean
techmap
opt_clean
write_json netlist.nets
"""
# Yosys cannot read the user-defined primitives in which the kit models these cells, so these are ours;
# a test compares each with the kit's.
OWN_MODELS = {
    "mux2": "(output X, input A0, A1, S); assign X = S ? A1 : A0;",
    "mux2i": "(output Y, input A0, A1, S); assign Y = ~(S ? A1 : A0);",
    "mux4": "(output X, input A0, A1, A2, A3, S0, S1); assign X = S1 ? (S0 ? A3 : A2) : (S0 ? A1 : A0);",
}
BOXES = {"dfxtp": "input CLK, D, output Q", "dlclkp": "input CLK, GATE, output GCLK"}


@dataclass(frozen=True)
class Pair:
    """A netlist and its RTL.

    Attributes:
        multipliers: How many products of the RTL are made of `multiplier`.
    """

    rtl: Circuit
    netlist: Circuit
    multiplier: Circuit
    multipliers: int


def read_pair(rtl: str, netlist: str, top: str, macros: Sequence[str], cells: Path, folder: Path) -> Pair:
    """Read both.

    Args:
        rtl, netlist: Verilog texts.
        top: Module of both; the netlist may have more.
        macros: Verilog that declares the ports of each memory in them.
        cells: Folder of the kit's cells.
        folder: For Yosys' files; made if missing.

    Raises:
        FlowError: A cell has no model, or Yosys failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    used = sorted(set(re.findall(rf"\b{PREFIX}(\w+?)_(\d+|[a-z]\w*)\b", netlist)))
    for name, text in {
        "rtl.v": rtl,
        "netlist.v": netlist,
        "macros.v": "".join(f"(* blackbox *)\n{text}\n" for text in macros),
        "cells.v": "\n".join(_model(cells, cell, size) for cell, size in used),
        "multiplier.v": VERILOG,
        "multiplier_map.v": MAP,
    }.items():
        (folder / name).write_text(text)
    run_yosys(SCRIPT.format(top=top, multiplier=NAME), folder, "read")
    told = re.search(r"(\d+) objects", (folder / "multipliers.txt").read_text())
    if told is None:
        raise FlowError(
            "Yosys did not count the multipliers", where=str(folder / "read.log"), code=ExitCode.TOOL_FAILED
        )
    return Pair(
        Circuit.read(folder / "rtl.nets", top),
        Circuit.read(folder / "netlist.nets", top),
        Circuit.read(folder / "multiplier.nets", NAME),
        int(told[1]),
    )


def _model(cells: Path, cell: str, size: str) -> str:
    name = f"{PREFIX}{cell}_{size}"
    if cell in BOXES:
        return f"(* blackbox *)\nmodule {name}({BOXES[cell]});\nendmodule\n"
    if cell in OWN_MODELS:
        return f"module {name} {OWN_MODELS[cell]}\nendmodule\n"
    return functional_model(cells, name)[0]
