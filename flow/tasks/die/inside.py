"""What is checked inside a hardened tile: the same for every die and every model that has it."""

__all__ = ["INSIDE_STEPS", "TILE_DRC_STEPS"]

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from flow.tasks.die.tiles import hard_tile, not_routed
from flow.tasks.step import Job, Result, StepTask


class TileCheck(StepTask):
    """A check of one kind of tile, in whose rows and metrics the kind comes first.

    Design rules are steps of their own: they take longest, and are kept even if a path is too slow.
    """

    is_check = True
    kind: ClassVar[str]

    def work(self, job: Job) -> Result:
        folder = job.inputs[f"tile_{self.kind}"]
        if lacking := not_routed(self.step_name, {self.kind: folder}):
            return lacking
        found = self.check(job, folder)
        rows = [replace(row, name=f"{self.kind}_{row.name}") for row in found.checks]
        return Result(rows, {f"{self.kind}_{name}": value for name, value in found.metrics.items()})

    def check(self, job: Job, folder: Path) -> Result:
        """Rows and metrics by the names that they have for any tile."""
        raise NotImplementedError


class InsideTask(TileCheck):
    """Equivalence of the routed netlist, LVS, antennas and timing."""

    tools = ("magic", "netgen", "sta")
    roles = ("cells", "netgen_setup", "magic_tech")

    def check(self, job: Job, folder: Path) -> Result:
        from base_chip.tiles import load_tile
        from flow.hardening.blocks import load_block
        from flow.stitching.inside import inside

        tile, block = hard_tile(self.kind, folder), load_block(self.kind)[0]
        return Result(*inside(tile, block, load_tile(self.kind).target_ns, job.pdk, job.scratch))


class TileDrcTask(TileCheck):
    """Design rules in KLayout and Magic, density and empty shapes."""

    tools = ("klayout", "magic")
    roles = ("klayout_drc", "klayout_density", "klayout_zeroarea", "magic_tech")

    def check(self, job: Job, folder: Path) -> Result:
        from flow.hardening.blocks import load_block
        from flow.stitching.inside import design_rules

        return Result(
            design_rules(hard_tile(self.kind, folder), load_block(self.kind)[0], job.pdk, job.scratch)
        )


class InsideRomTask(InsideTask):
    """Of the rom tile."""

    step_name = "inside_rom"
    needs = ("tile_rom",)
    kind = "rom"


class InsideRamTask(InsideTask):
    """Of the ram tile."""

    step_name = "inside_ram"
    needs = ("tile_ram",)
    kind = "ram"


class InsideVecTask(InsideTask):
    """Of the vec tile."""

    step_name = "inside_vec"
    needs = ("tile_vec",)
    kind = "vec"


class DrcRomTask(TileDrcTask):
    """Of the rom tile."""

    step_name = "drc_rom"
    needs = ("tile_rom",)
    kind = "rom"


class DrcRamTask(TileDrcTask):
    """Of the ram tile."""

    step_name = "drc_ram"
    needs = ("tile_ram",)
    kind = "ram"


class DrcVecTask(TileDrcTask):
    """Of the vec tile."""

    step_name = "drc_vec"
    needs = ("tile_vec",)
    kind = "vec"


INSIDE_STEPS = (InsideRomTask, InsideRamTask, InsideVecTask)
TILE_DRC_STEPS = (DrcRomTask, DrcRamTask, DrcVecTask)
