"""The metal config of each die: the vias of all its ROM macros. There is no base chip to merge it with."""

__all__ = ["ColumnMetalTask"]

import importlib.metadata

from flow.files import sha256_file
from flow.tasks.die.programmed import ProgrammedStep, packed_images
from flow.tasks.step import Job, Result


class ColumnMetalTask(ProgrammedStep):
    """Writes `metal.oas` and `manifest.json` of each die."""

    step_name = "metal"
    needs = ("quantise", "compile", "stitch")
    config = ("model", "base")

    def work(self, job: Job) -> Result:
        from flow.stitching.roms import one_by_one
        from metal_configs.writer import make_manifest, write_manifest
        from metal_configs.writer.die import write_die

        sites = self.sites(job)
        base_sha256 = sha256_file(self.base_layout(job))
        weights_sha256 = sha256_file(job.inputs["quantise"] / "quantised.safetensors")
        vias = size = 0
        dies = self.dies(job)
        for number, (die, image, rows) in enumerate(
            zip(dies, self.images(job), packed_images(job), strict=True)
        ):
            (folder := job.out / die).mkdir()
            written = write_die(folder / "metal.oas", rows, sites, one_by_one(sites))
            manifest = make_manifest(
                written,
                sites,
                model=f"{job.config.model}_die{number}",
                image=image,
                base_sha256=base_sha256,
                weights_sha256=weights_sha256,
                tools={"numpy": importlib.metadata.version("numpy")},
            )
            write_manifest(folder / "manifest.json", manifest)
            vias, size = vias + sum(written.programmed), size + written.size
            job.say(f"die {number} of {len(dies)}: {sum(written.programmed):,} vias")
        total = len(dies) * sites.sites
        return Result(
            metrics={"program_vias": vias, "program_sites": total, "metal_config_bytes": size},
            note=f"{len(dies)} dies, {vias:,} vias, {size / total:.3f} bytes a site",
        )
