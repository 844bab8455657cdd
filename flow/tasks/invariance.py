"""Base and chip differ on the program layer alone, two models too, and every via is on a legal site."""

__all__ = ["InvarianceTask"]

from flow.tasks.step import Job, Result, StepTask


class InvarianceTask(StepTask):
    """The other model is this one with every bit turned over: none can differ from it in more places."""

    step_name = "invariance"
    needs = ("base", "metal", "image")
    config = ("base",)
    is_check = True

    def work(self, job: Job) -> Result:
        from base_chip.assemble import merge_chip
        from base_chip.config import load_base
        from flow.tasks.rom_image import read_image
        from flow.tasks.sites import site_map
        from metal_configs.writer import write_metal
        from signoff.invariance import Sites, invariance
        from signoff.readback import read_layout

        sites = site_map(load_base(job.config.base))
        base = job.inputs["base"] / "base.gds"
        other = job.scratch / "other.gds"
        metal = write_metal(job.scratch / "other.oas", ~read_image(job.inputs["image"]), sites)
        merge_chip(base, metal.path, other, model="other")
        chip = read_layout(job.inputs["metal"] / "chip.gds")
        legal = Sites(sites.layer, sites.centres(), sites.size)
        report = job.scratch / "layers.json"
        return Result(invariance(read_layout(base), chip, read_layout(other), legal, report))
