"""Proof that the mapped netlist of a tile does what its RTL does; `equiv_routed` goes on from there."""

__all__ = ["tile_equiv"]

from collections.abc import Sequence
from pathlib import Path

from base_chip.harden.block import Block
from base_chip.synth import proof
from rtl_gen.tools import require
from signoff.result import CheckResult

_SHOWN = 3


def tile_equiv(rtl: str, mapped: str, block: Block, cells: Path, scratch: Path) -> list[CheckResult]:
    """The rows `equiv` and `equiv_control`: the whole of a tile, its memories as boxes.

    The control plants faults in the netlist, none of which may be proved.

    Args:
        rtl, mapped: Verilog.
        block: The tile.
        cells: Folder of the kit's cells.
        scratch: Folder for files, which is there.

    Raises:
        FlowError: Yosys is missing (MISSING_TOOL), or a netlist cannot be read.
    """
    pair = proof.read_pair(
        rtl, mapped, block.top, [memory.ports for memory in block.memories], cells, scratch
    )
    matched = proof.match(pair.rtl, pair.netlist)
    proved = proof.prove(pair.rtl, pair.netlist, matched, scratch)
    faults = list(proved.faults)
    missed: list[str] = []
    found: list[str] = []
    (control := scratch / "control").mkdir()
    for what, bad in proof.plant(pair.netlist).items():
        more = len(proof.prove(pair.rtl, bad, matched, control).faults) > len(faults)
        (found if more else missed).append(what)
    told = f"{proved.registers} registers and {proved.outputs} outputs of {block.top} are proved equal"
    if proved.constant:
        told += f"; {proved.constant} of the registers are constant"
    if proved.left_out:
        told += f"; nothing depends on {proved.left_out} more of the RTL"
    if pair.multipliers:
        told += f"; {pair.multipliers} multipliers, of one kind, in all cases"
        if not proof.multiplier_holds(pair.multiplier):
            faults.append("the multiplier is wrong")
        wrong = proof.multiplier_holds(proof.plant(pair.multiplier)[proof.GATE])
        (missed if wrong else found).append("a gate of the multiplier changed")
    caught = f"found: {', '.join(found)}"
    lost = [f"not found: {what}" for what in missed]
    return [_row("equiv", faults, told), _row("equiv_control", lost, caught)]


def _row(name: str, faults: Sequence[str], told: str) -> CheckResult:
    status, detail = ("fail", "; ".join(faults[:_SHOWN])) if faults else ("pass", told)
    return CheckResult(
        name, "yosys", require("yosys"), len(faults), 0, status, detail if faults else "", detail
    )
