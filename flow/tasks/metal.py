"""The metal config (OASIS and manifest) and the chip: base and metal config merged."""

__all__ = ["MetalTask"]

import importlib.metadata

from flow.files import sha256_file
from flow.tasks.programmed import ProgrammedStep
from flow.tasks.step import Job, Result


class MetalTask(ProgrammedStep):
    """Draws the vias of the model: `metal.oas`, `manifest.json`, `chip.gds` and `chip.oas`."""

    step_name = "metal"
    needs = ("quantise", "image", "base")
    config = ("model", "base")

    def work(self, job: Job) -> Result:
        from base_chip.assemble import merge_chip
        from metal_configs.writer import make_manifest, write_manifest, write_metal

        sites = self.sites(job)
        image = self.image(job)
        base = self.base_layout(job)
        written = write_metal(job.out / "metal.oas", image, sites)
        manifest = make_manifest(
            written,
            sites,
            model=job.config.model,
            image=image,
            base_sha256=sha256_file(base),
            weights_sha256=sha256_file(job.inputs["quantise"] / "quantised.safetensors"),
            tools={name: importlib.metadata.version(name) for name in ("klayout", "numpy")},
        )
        write_manifest(job.out / "manifest.json", manifest)
        chip = job.out / "chip"
        merge_chip(
            base, written.path, chip.with_suffix(".gds"), chip.with_suffix(".oas"), model=job.config.model
        )
        vias = sum(written.programmed)
        return Result(metrics={"program_vias": vias, "program_sites": sites.sites}, note=f"{vias} vias")
