"""What a hardened tile computes, how fast, and that its layout is its netlist."""

__all__ = ["INSIDE_STEPS"]

from pathlib import Path

from flow.tasks.die.tile_check import TileCheck
from flow.tasks.die.tiles import hard_tile
from flow.tasks.step import Job, Result


class InsideTask(TileCheck):
    """Equivalence of the routed netlist, LVS, antennas and timing."""

    tools = ("magic", "netgen", "sta")
    roles = ("cells", "netgen_setup", "magic_tech")

    def check(self, job: Job, folder: Path) -> Result:
        from base_chip.tiles import load_tile
        from flow.hardening.blocks import block_of
        from flow.stitching.inside import inside

        tile = hard_tile(self.kind, folder)
        period = load_tile(tile.name).target_ns
        return Result(*inside(tile, block_of(tile.name), period, job.pdk, job.scratch))


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


INSIDE_STEPS = (InsideRomTask, InsideRamTask, InsideVecTask)
