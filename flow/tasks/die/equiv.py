"""The RTL and the mapped netlist of each kind of tile."""

__all__ = ["EQUIV_STEPS", "EquivRamTask"]

from dataclasses import replace
from typing import ClassVar

from flow.tasks.die.tiles import tile_name
from flow.tasks.step import Job, Result, StepTask
from signoff.result import CheckResult


class TileEquivTask(StepTask):
    """Needs no routed tile; in its rows the kind comes first."""

    tools = ("yosys",)
    roles = ("cells",)
    is_check = True
    kind: ClassVar[str]

    def work(self, job: Job) -> Result:
        from flow.hardening.blocks import block_of
        from flow.stitching.equiv import tile_equiv

        tile, name = job.inputs[f"tile_{self.kind}"], f"{self.kind}_equiv"
        if not (tile / "mapped.v").exists():
            why = f"tile {self.kind} has no artifact yet; with OpenROAD: sc-flow base build"
            return Result([CheckResult.not_run(row, why) for row in (name, f"{name}_control")])
        rtl, mapped = ((tile / verilog).read_text("utf-8") for verilog in ("rtl.v", "mapped.v"))
        rows = tile_equiv(rtl, mapped, block_of(tile_name(tile)), job.pdk.path("cells"), job.scratch)
        proof = rows[0]
        return Result(
            [replace(row, name=f"{self.kind}_{row.name}") for row in rows],
            note=proof.detail if proof.status == "pass" else "",
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
