"""Antenna ratios on the layout of the chip, model included."""

__all__ = ["AntennaTask"]

from flow.tasks.step import Job, Result, StepTask


class AntennaTask(StepTask):
    """Its negative control is a gate on too much metal, and one with a diode, on every layer."""

    step_name = "antenna"
    needs = ("harden", "metal")
    config = ("model", "base", "pdk", "waivers")
    is_check = True
    routed = True

    def work(self, job: Job) -> Result:
        from base_chip.assemble import cell_name
        from base_chip.pdk import load_pdk
        from base_chip.pdk.checks import load_checks
        from flow.tasks.wiring import stack_of
        from signoff.antenna import Rule, run
        from signoff.readback import read_layout

        pdk = load_pdk(job.config.pdk)
        rules = {name: Rule(r.thickness, r.limit) for name, r in load_checks(pdk).antenna.items()}
        chip = read_layout(job.inputs["metal"] / "chip.gds")
        top = cell_name(f"scf_{job.config.base}_{job.config.model}")
        return Result(run(chip, top, stack_of(pdk), rules, job.config.waivers, job.scratch / "antenna.lyrdb"))
