"""Base and chip differ on the program layer alone, two models too, and every via is on a legal site."""

__all__ = ["InvarianceTask"]

from flow.tasks.die.base_layers import read_layers
from flow.tasks.die.programmed import ProgrammedStep
from flow.tasks.step import Job, Result


class InvarianceTask(ProgrammedStep):
    """The other model is this one with every bit turned over: none can differ from it in more places."""

    step_name = "invariance"
    needs = ("stitch", "base_layers", "metal", "compile")
    config = ("base",)
    is_check = True

    def work(self, job: Job) -> Result:
        from base_chip.chip import merge_chip
        from metal_configs.writer import write_metal
        from signoff.invariance import Sites, invariance
        from signoff.readback import read_layout
        from signoff.result import of_dies

        sites = self.sites(job)
        legal = Sites(sites.layer, sites.centres(), sites.size)
        base, known = self.base_layout(job), read_layers(job.inputs["base_layers"])
        rows = []
        for die, image in zip(self.dies(job), self.images(job), strict=True):
            folder = job.scratch / die
            folder.mkdir(exist_ok=True)
            other = folder / "other.gds"
            metal = write_metal(folder / "other.oas", ~image, sites)
            merge_chip(base, metal.path, other, model="other")
            chip = read_layout(job.inputs["metal"] / die / "chip.gds")
            report = folder / "layers.json"
            rows.append(invariance(read_layout(base), chip, read_layout(other), legal, report, known=known))
        return Result(of_dies(rows))
