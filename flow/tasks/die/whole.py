"""Checks of the whole stitched die: what its tiles and seams might not show one by one."""

__all__ = ["DieAntennaTask", "DieDrcKlayoutTask", "DieIrDropTask"]

from pathlib import Path

from flow.tasks.antenna import AntennaTask
from flow.tasks.die.stitch import TILES, lacking_tiles, stitched_die
from flow.tasks.drc_klayout import DrcKlayoutTask
from flow.tasks.step import Job, Result, StepTask
from signoff.result import CheckResult

_LARGEST = 10.0  # mm2 of a die whose design rules are looked at as a whole


class DieAntennaTask(AntennaTask):
    """As of nano, with nets across seams. Macros have no contents, which could but raise a limit."""

    needs = ("stitch", *TILES)
    config = ("base", "pdk", "waivers")
    routed = False

    def layout(self, job: Job) -> tuple[Path, str]:
        return _layout(job)

    def work(self, job: Job) -> Result:
        return lacking_tiles(self.step_name, job) or super().work(job)


class DieDrcKlayoutTask(DrcKlayoutTask):
    """As of nano; a larger die is looked at by tile, seam and margin alone."""

    needs = ("stitch", *TILES)
    config = ("base", "pdk", "waivers")

    def layout(self, job: Job) -> tuple[Path, str]:
        return _layout(job)

    def work(self, job: Job) -> Result:
        from base_chip.dies import load_die

        if lacking := lacking_tiles(self.step_name, job):
            return lacking
        width, height = load_die(job.config.base).die
        if (area := width * height / 1e6) > _LARGEST:
            why = f"{area:.1f} mm2, more than {_LARGEST:g}: tiles, seams and margin have rows of their own"
            return Result([CheckResult.not_run(self.step_name, why)])
        return super().work(job)


class DieIrDropTask(StepTask):
    """Static IR drop from the pins at the edge to every cell, at an assumed activity; controls as of nano."""

    step_name = "ir_drop"
    needs = ("stitch", *TILES)
    config = ("base",)
    roles = ("cells", "tech_lef")
    is_check = True

    def work(self, job: Job) -> Result:
        from flow.stitching.power import check_power
        from flow.tasks.energies import six_digits
        from signoff.power.picture import draw_drops

        if lacking := lacking_tiles(self.step_name, job):
            return lacking
        made, tiles, period = stitched_die(job)
        found = check_power(made, tiles, period, job.pdk)
        width, height = made.plan.die
        size = width / 1000, height / 1000
        draw_drops(job.out / "ir_drop.png", found.found[found.worst].drops, found.places, size)
        return Result(found.rows, six_digits(found.metrics), note=found.note)


def _layout(job: Job) -> tuple[Path, str]:
    base = job.config.base
    return job.inputs["stitch"] / f"{base}.gds", f"scf_{base}"
