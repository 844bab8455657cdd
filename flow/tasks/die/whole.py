"""Checks of the whole stitched die: what its tiles and seams might not show one by one."""

__all__ = ["AntennaTask", "IrDropTask", "WholeDrcKlayoutTask"]

from pathlib import Path

from flow.tasks.die.stitch import TILES, lacking_tiles, stitched_die
from flow.tasks.drc_klayout import DrcKlayoutTask
from flow.tasks.step import Job, Result, StepTask
from signoff.result import CheckResult

_LARGEST = 10.0  # mm2 of a die whose design rules are looked at as a whole


class AntennaTask(StepTask):
    """Antenna ratios with nets across seams; the control is a gate on too much metal, and one with a diode,
    on every layer. Macros have no contents, which could but raise a limit.
    """

    step_name = "antenna"
    needs = ("stitch", *TILES)
    config = ("base", "pdk", "waivers")
    is_check = True

    def work(self, job: Job) -> Result:
        from base_chip.pdk import load_pdk
        from base_chip.pdk.checks import load_checks
        from flow.tasks.wiring import stack_of
        from signoff.antenna import Rule, run
        from signoff.readback import read_layout

        if lacking := lacking_tiles(self.step_name, job):
            return lacking
        pdk = load_pdk(job.config.pdk)
        rules = {name: Rule(r.thickness, r.limit) for name, r in load_checks(pdk).antenna.items()}
        layout, top = _layout(job)
        markers = job.scratch / "antenna.lyrdb"
        return Result(run(read_layout(layout), top, stack_of(pdk), rules, job.config.waivers, markers))


class WholeDrcKlayoutTask(DrcKlayoutTask):
    """A larger die is looked at by tile, seam and margin alone."""

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


class IrDropTask(StepTask):
    """Static IR drop from the pins at the edge to every cell, at an assumed activity."""

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
