"""Design rules of a hardened tile. They take longest, so they are kept even if a path is too slow."""

__all__ = ["TILE_DRC_STEPS"]

from pathlib import Path

from flow.tasks.die.tile_check import TileCheck
from flow.tasks.die.tiles import hard_tile
from flow.tasks.step import Job, Result


class TileDrcTask(TileCheck):
    """Design rules in KLayout and Magic, density and empty shapes."""

    tools = ("klayout", "magic")
    roles = ("klayout_drc", "klayout_density", "klayout_zeroarea", "magic_tech")

    def check(self, job: Job, folder: Path) -> Result:
        from flow.hardening.blocks import block_of
        from flow.stitching.rules import design_rules

        tile = hard_tile(self.kind, folder)
        return Result(design_rules(tile, block_of(tile.name), job.pdk, job.scratch))


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


TILE_DRC_STEPS = (DrcRomTask, DrcRamTask, DrcVecTask)
