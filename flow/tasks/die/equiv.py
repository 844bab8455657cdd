"""Proof that the mapped netlist of a tile does what its RTL does; `equiv_routed` goes on from there."""

__all__ = ["EQUIV_STEPS", "EquivRamTask"]

from collections.abc import Sequence
from typing import ClassVar

from flow.tasks.step import Job, Result, StepTask
from rtl_gen.tools import require
from signoff.result import CheckResult

_SHOWN = 3


class TileEquivTask(StepTask):
    """The whole of a tile, its memories as boxes; its control plants faults, none of which may be proved."""

    tools = ("yosys",)
    roles = ("cells",)
    is_check = True
    kind: ClassVar[str]

    def work(self, job: Job) -> Result:
        from base_chip.synth.proof import GATE, match, multiplier_holds, plant, prove, read_pair
        from flow.hardening.blocks import load_block

        tile, name = job.inputs[f"tile_{self.kind}"], f"{self.kind}_equiv"
        if not (tile / "mapped.v").exists():
            why = f"tile {self.kind} has no artifact yet; with OpenROAD: sc-flow base build"
            return Result([CheckResult.not_run(row, why) for row in (name, f"{name}_control")])
        block, _ = load_block(self.kind)
        pair = read_pair(
            (tile / "rtl.v").read_text("utf-8"), (tile / "mapped.v").read_text("utf-8"), block.top,
            [memory.ports for memory in block.memories], job.pdk.path("cells"), job.scratch,
        )  # fmt: skip
        matched = match(pair.rtl, pair.netlist)
        proof = prove(pair.rtl, pair.netlist, matched, job.scratch)
        faults = list(proof.faults)
        missed: list[str] = []
        found: list[str] = []
        (control := job.scratch / "control").mkdir()
        for what, bad in plant(pair.netlist).items():
            more = len(prove(pair.rtl, bad, matched, control).faults) > len(faults)
            (found if more else missed).append(what)
        told = f"{proof.registers} registers and {proof.outputs} outputs of {block.top} are proved equal"
        if proof.constant:
            told += f"; {proof.constant} of the registers are constant"
        if proof.left_out:
            told += f"; nothing depends on {proof.left_out} more of the RTL"
        if pair.multipliers:
            told += f"; {pair.multipliers} multipliers, of one kind, in all cases"
            if not multiplier_holds(pair.multiplier):
                faults.append("the multiplier is wrong")
            wrong = multiplier_holds(plant(pair.multiplier)[GATE])
            (missed if wrong else found).append("a gate of the multiplier changed")
        caught = f"found: {', '.join(found)}"
        lost = [f"not found: {what}" for what in missed]
        rows = [_row(name, faults, told), _row(f"{name}_control", lost, caught)]
        return Result(rows, note="" if faults else told)


def _row(name: str, faults: Sequence[str], told: str) -> CheckResult:
    status, detail = ("fail", "; ".join(faults[:_SHOWN])) if faults else ("pass", told)
    return CheckResult(
        name, "yosys", require("yosys"), len(faults), 0, status, detail if faults else "", detail
    )


class EquivRomTask(TileEquivTask):
    """Of the rom tile."""

    step_name = "equiv_rom"
    needs = ("tile_rom",)
    kind = "rom"


class EquivRamTask(TileEquivTask):
    """Of the ram tile."""

    step_name = "equiv_ram"
    needs = ("tile_ram",)
    kind = "ram"


class EquivVecTask(TileEquivTask):
    """Of the vec tile."""

    step_name = "equiv_vec"
    needs = ("tile_vec",)
    kind = "vec"


EQUIV_STEPS = (EquivRomTask, EquivRamTask, EquivVecTask)
