"""Design rules of the whole stitched die, which tiles and seams one by one might not show.

Each kind of tile has rows of its own (`drc_<kind>`): of these the die's looks at the outermost alone, and
`tile_insides` at whether they are the same.
"""

__all__ = ["DieDrcKlayoutTask"]

from collections.abc import Mapping
from pathlib import Path

from flow.tasks.die.stitched import TILES, lacking_tiles
from flow.tasks.die.tiles import hard_tile
from flow.tasks.drc_klayout import DrcKlayoutTask
from flow.tasks.step import Job, Result
from signoff.result import CheckResult

_LARGEST = 10.0  # mm2 of a die whose design rules are looked at as a whole


class DieDrcKlayoutTask(DrcKlayoutTask):
    """A larger die is looked at by tile, seam and margin alone."""

    needs = ("stitch", *TILES)
    config = ("base", "pdk", "waivers")

    def layout(self, job: Job) -> tuple[Path, str]:
        return job.inputs["stitch"] / f"{job.config.base}.gds", f"scf_{job.config.base}"

    def tiles(self, job: Job) -> Mapping[str, Path]:
        from flow.hardening.blocks import block_of

        tiles = [hard_tile(name.removeprefix("tile_"), job.inputs[name]) for name in TILES]
        return {block_of(tile.name).top: tile.gds for tile in tiles}

    def work(self, job: Job) -> Result:
        from base_chip.dies import load_die

        if lacking := lacking_tiles(self.step_name, job):
            return lacking
        width, height = load_die(job.config.base).die
        if (area := width * height / 1e6) > _LARGEST:
            why = f"{area:.1f} mm2, more than {_LARGEST:g}: tiles, seams and margin have rows of their own"
            return Result([CheckResult.not_run(self.step_name, why)])
        return super().work(job)
