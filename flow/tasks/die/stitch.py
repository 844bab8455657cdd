"""The die: its tiles side by side, as layout and netlist; and what is checked of their seams."""

__all__ = ["TILES", "SeamsTask", "StitchTask", "lacking_tiles", "plan_of", "stitched_die"]

from typing import TYPE_CHECKING

from flow.tasks.die.tiles import hard_tile, not_routed
from flow.tasks.step import Job, Result, StepTask

if TYPE_CHECKING:
    from base_chip.stitch import StitchPlan
    from flow.stitching.stitch import Stitched
    from flow.stitching.tiles import HardTile

TILES = ("tile_rom", "tile_ram", "tile_vec")


class StitchTask(StepTask):
    """While a tile is not hardened, the layout has no margin: there are no straps to join."""

    step_name = "stitch"
    needs = ("base", *TILES)
    config = ("base",)

    def work(self, job: Job) -> Result:
        from flow.stitching.stitch import stitch

        plan, period = plan_of(job)
        layouts = {name.removeprefix("tile_"): job.inputs[name] / "tile.gds" for name in TILES}
        stitch(plan, layouts, period, job.out)
        x, y = plan.die
        return Result(note=f"{len(plan.tiles)} tiles, {x / 1000:g} x {y / 1000:g} um")


class SeamsTask(StepTask):
    """Placement, supplies, LVS with tiles as boxes, timing and design rules at seams, each with a control."""

    step_name = "seams"
    needs = ("stitch", *TILES)
    config = ("base",)
    tools = ("klayout", "magic", "netgen", "sta")
    roles = ("cells", "tech_lef", "netgen_setup", "klayout_drc", "magic_tech")
    is_check = True

    def work(self, job: Job) -> Result:
        from flow.stitching.seams import check_seams

        if lacking := lacking_tiles(self.step_name, job):
            return lacking
        made, tiles, period = stitched_die(job)
        return Result(*check_seams(made, tiles, period, job.pdk, job.scratch / "seams"))


def lacking_tiles(step: str, job: Job) -> Result | None:
    """What a check of a stitched die comes to while a tile is not routed."""
    return not_routed(step, {name.removeprefix("tile_"): job.inputs[name] for name in TILES})


def stitched_die(job: Job) -> "tuple[Stitched, dict[str, HardTile], float]":
    """What `stitch` made of routed tiles, these by kind, and the period (ns) that they were made for."""
    from flow.stitching.stitch import Stitched

    plan, period = plan_of(job)
    kinds = [name.removeprefix("tile_") for name in TILES]
    tiles = {kind: hard_tile(kind, job.inputs[f"tile_{kind}"]) for kind in kinds}
    return Stitched(plan, job.inputs["stitch"]), tiles, period


def plan_of(job: Job) -> "tuple[StitchPlan, float]":
    """The die, and the clock period that its tiles were made for."""
    from base_chip.dies import load_die
    from base_chip.stitch import place_tiles
    from flow.stitching.roms import die_period
    from flow.stitching.tiles import views

    die = load_die(job.config.base)
    return place_tiles(die, views(die.kinds)), die_period(die)
