"""Proof that a module of the netlist computes what its RTL does, and a control that must not be proved."""

__all__ = ["OWN_MODELS", "EquivalenceResult", "damage", "prove_equivalent"]

import re
from dataclasses import dataclass
from pathlib import Path

from base_chip.synth.yosys import run_yosys
from rtl_gen.cells import functional_model
from rtl_gen.errors import ExitCode, FlowError

PREFIX = "sky130_fd_sc_hd__"

# Yosys cannot read the user-defined primitives in which the kit models these cells, so these are ours;
# a test compares each with the kit's in simulation.
OWN_MODELS = {
    "dfxtp": "(input CLK, input D, output reg Q); always @(posedge CLK) Q <= D;",
    "mux2": "(output X, input A0, A1, S); assign X = S ? A1 : A0;",
    "mux2i": "(output Y, input A0, A1, S); assign Y = ~(S ? A1 : A0);",
    "mux4": ("(output X, input A0, A1, A2, A3, S0, S1); assign X = S1 ? (S0 ? A3 : A2) : (S0 ? A1 : A0);"),
}

SCRIPT = """
read_verilog rtl.v
hierarchy -check -top {module}
proc
flatten
opt_clean
rename -top gold
design -stash gold
read_verilog cells.v
read_verilog netlist.v
hierarchy -check -top {module}
proc
flatten
opt_clean
rename -top gate
design -stash gate
design -copy-from gold -as gold gold
design -copy-from gate -as gate gate
equiv_make gold gate equiv
hierarchy -top equiv
opt_clean
equiv_struct
equiv_simple -undef
equiv_induct -undef -seq 1
equiv_status
"""


@dataclass(frozen=True)
class EquivalenceResult:
    """How many of the compared signals were proved equal.

    Attributes:
        proved: Signals (bits) shown equal by induction.
        unproved: Bits that were not; equivalent means zero of them, and some proved.
    """

    proved: int
    unproved: int

    @property
    def equivalent(self) -> bool:
        return self.unproved == 0 and self.proved > 0


def prove_equivalent(rtl: str, netlist: str, module: str, cells: Path, work: Path) -> EquivalenceResult:
    """Compare one module of RTL and netlist by temporal induction over all their common signals.

    Args:
        rtl, netlist: Verilog texts, both defining `module`; in the netlist it uses no sequential cells
            but dfxtp.
        cells: Folder of the kit's cells, one folder a cell with `<cell>_<size>.functional.v`.
        work: Folder for scripts and logs.

    Raises:
        FlowError: A cell has no model, or Yosys failed.
    """
    work.mkdir(parents=True, exist_ok=True)
    body = _module_text(netlist, module)
    used = sorted(set(re.findall(rf"\b{PREFIX}(\w+?)_(\d+|[a-z]\w*)\b", body)))
    (work / "cells.v").write_text("\n".join(_model(cells, cell, size) for cell, size in used))
    (work / "rtl.v").write_text(rtl)
    (work / "netlist.v").write_text(body)
    output = run_yosys(SCRIPT.format(module=f"\\{module}"), work, "equivalence")
    # "Found N $equiv cells in equiv:\n  Of those cells P are proven and U are unproven."
    found = re.search(r"Of those cells (\d+) are proven and (\d+) are unproven", output)
    if found is None:
        raise FlowError(
            "Yosys did not report the state of the proof",
            where=str(work / "equivalence.log"),
            code=ExitCode.TOOL_FAILED,
        )
    return EquivalenceResult(int(found[1]), int(found[2]))


def damage(netlist: str, module: str) -> str:
    """The netlist with one gate of the module replaced by another: the control of a proof.

    Raises:
        ValueError: The module holds no two-input NAND to replace.
    """
    body = _module_text(netlist, module)
    changed = body.replace(f"{PREFIX}nand2_1 ", f"{PREFIX}nor2_1 ", 1)
    if changed == body:
        raise ValueError(f"module {module} holds no {PREFIX}nand2_1 to damage")
    return changed


def _module_text(netlist: str, module: str) -> str:
    name = re.escape(module)
    found = re.search(rf"^module \\?{name}[ (].*?^endmodule$", netlist, flags=re.S | re.M)
    if found is None:
        raise FlowError(
            f"the netlist has no module {module}",
            hint="Restore the hardened artifact, or harden the base anew.",
        )
    return found[0] + "\n"


def _model(cells: Path, cell: str, size: str) -> str:
    if cell in OWN_MODELS:
        return f"module {PREFIX}{cell}_{size} {OWN_MODELS[cell]}\nendmodule\n"
    return functional_model(cells, f"{PREFIX}{cell}_{size}")[0]
