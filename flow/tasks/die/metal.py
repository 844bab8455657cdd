"""The metal config (OASIS and manifest) and the chip, base and metal config merged, of each die."""

__all__ = ["MetalTask"]

import importlib.metadata

from flow.files import sha256_file
from flow.tasks.die.programmed import ProgrammedStep
from flow.tasks.step import Job, Result


class MetalTask(ProgrammedStep):
    """Draws the vias of the model: `metal.oas`, `manifest.json`, `chip.gds` and `chip.oas`, of each die."""

    step_name = "metal"
    needs = ("quantise", "compile", "stitch")
    config = ("model", "base")

    def work(self, job: Job) -> Result:
        from base_chip.chip import merge_chip
        from metal_configs.writer import make_manifest, write_manifest, write_metal

        sites = self.sites(job)
        base = self.base_layout(job)
        base_sha256 = sha256_file(base)
        weights_sha256 = sha256_file(job.inputs["quantise"] / "quantised.safetensors")
        dies = self.dies(job)
        vias = 0
        for number, (die, image) in enumerate(zip(dies, self.images(job), strict=True)):
            folder = job.out / die
            folder.mkdir(exist_ok=True)
            model = job.config.model if len(dies) == 1 else f"{job.config.model}_die{number}"
            written = write_metal(folder / "metal.oas", image, sites)
            manifest = make_manifest(
                written,
                sites,
                model=model,
                image=image,
                base_sha256=base_sha256,
                weights_sha256=weights_sha256,
                tools={name: importlib.metadata.version(name) for name in ("klayout", "numpy")},
            )
            write_manifest(folder / "manifest.json", manifest)
            merge_chip(base, written.path, folder / "chip.gds", folder / "chip.oas", model=model)
            vias += sum(written.programmed)
        return Result(
            metrics={"program_vias": vias, "program_sites": len(dies) * sites.sites}, note=f"{vias} vias"
        )
