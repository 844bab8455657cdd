"""The ROM image: weights, factors, tables and the sequencer's program, as `image.npy`."""

__all__ = ["ImageTask"]

import json

import numpy as np

from flow.tasks.step import Job, Result, StepTask


class ImageTask(StepTask):
    """Expresses the model in integers and compiles it for the base; says so when it does not fit."""

    step_name = "image"
    needs = ("quantise",)
    config = ("base",)

    def work(self, job: Job) -> Result:
        from base_chip.config import load_base
        from flow.tasks.integer_model import integer_model
        from metal_configs.image import build_image

        image = build_image(integer_model(job.inputs["quantise"]), load_base(job.config.base).core())
        np.save(job.out / "image.npy", image.bits())
        blocks = [
            {"name": b.name, "kind": b.kind, "start": b.start, "rows": len(b.rows)} for b in image.blocks
        ]
        (job.out / "blocks.json").write_text(json.dumps(blocks, indent=1))
        kinds = image.rows_by_kind()
        return Result(
            metrics={
                "rom_rows": len(image.rows),
                "rom_rows_used": image.used,
                "program_instructions": image.instructions,
                # No token takes fewer cycles than it has rows of weights: one row is read a cycle.
                "rom_bound_cycles_per_token": kinds.get("weights", 0),
            },
            note=f"{image.used} of {len(image.rows)} rows",
        )
