"""Antenna ratios of the whole stitched die, with nets across seams."""

__all__ = ["AntennaTask"]

from flow.tasks.die.stitched import StitchedCheck
from flow.tasks.step import Job, Result


class AntennaTask(StitchedCheck):
    """Antenna ratios with nets across seams; the control is a gate on too much metal, and one with a diode,
    on every layer. Macros have no contents, which could but raise a limit.
    """

    step_name = "antenna"
    config = ("base", "pdk", "waivers")

    def check(self, job: Job) -> Result:
        from base_chip.pdk import load_pdk
        from base_chip.pdk.checks import load_checks
        from flow.tasks.wiring import stack_of
        from signoff.antenna import Rule, run
        from signoff.readback import read_layout

        pdk = load_pdk(job.config.pdk)
        rules = {name: Rule(r.thickness, r.limit) for name, r in load_checks(pdk).antenna.items()}
        layout, top = job.inputs["stitch"] / f"{job.config.base}.gds", f"scf_{job.config.base}"
        markers = job.scratch / "antenna.lyrdb"
        return Result(run(read_layout(layout), top, stack_of(pdk), rules, job.config.waivers, markers))
