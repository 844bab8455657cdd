"""What steps read of the stitched die."""

__all__ = ["TILES", "StitchedCheck", "lacking_tiles", "plan_of", "stitched_die"]

from typing import TYPE_CHECKING, ClassVar

from flow.tasks.die.tiles import hard_tile, not_routed
from flow.tasks.step import Job, Result, StepTask

if TYPE_CHECKING:
    from base_chip.stitch import StitchPlan
    from flow.stitching.stitch import Stitched
    from flow.stitching.tiles import HardTile

TILES = ("tile_rom", "tile_ram", "tile_vec")


def lacking_tiles(step: str, job: Job) -> Result | None:
    """What a check of routed tiles comes to while one is not routed."""
    return not_routed(step, {name.removeprefix("tile_"): job.inputs[name] for name in TILES})


class StitchedCheck(StepTask):
    """A check of the stitched die, which is not run while a tile is not routed."""

    needs: ClassVar[tuple[str, ...]] = ("stitch", *TILES)
    config: ClassVar[tuple[str, ...]] = ("base",)
    is_check = True

    def work(self, job: Job) -> Result:
        return lacking_tiles(self.step_name, job) or self.check(job)

    def check(self, job: Job) -> Result:
        """Rows and metrics of a die of which every tile is routed."""
        raise NotImplementedError


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
    from flow.stitching.periods import die_period
    from flow.stitching.tiles import views

    die = load_die(job.config.base)
    return place_tiles(die, views(die.tiles)), die_period(die)
