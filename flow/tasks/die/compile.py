"""A model as the contents of every ROM macro of one die or a chain: weights, program, factors, tables."""

__all__ = ["CompileTask"]

import json
from dataclasses import asdict

import numpy as np

from flow.tasks.die.programmed import CHIP, LOADED, positions_of
from flow.tasks.step import Job, Result, StepTask


class CompileTask(StepTask):
    """Writes `image.npy`: of each die the words of all macros in the order of `chip.json`, eight bits a byte.

    There are as few dies as hold the model, or as many as are asked for; what does not fit is said. With an
    adapter the chip has room for those of its shape; `adapter.bin` is what the host sends after a reset to
    load it.
    """

    step_name = "compile"
    needs = ("quantise",)
    config = ("base", "chained", "context")

    def work(self, job: Job) -> Result:
        from base_chip.dies import load_die
        from flow.stitching.column import die_column
        from flow.stitching.contents import write_contents
        from flow.stitching.roms import die_roms
        from flow.tasks.die.ranges import Ranges
        from flow.tasks.integer_model import adapter, integer_model
        from metal_configs.compile.program.fit import fit_parts
        from rtl_gen.golden.chain import loading

        die = load_die(job.config.base)
        model = integer_model(job.inputs["quantise"]).shortened(positions_of(job))
        lora = adapter(job.inputs["quantise"])
        ranks = None if lora is None else {name: len(pair.a.codes) for name, pair in lora.pairs.items()}
        parts = fit_parts(model, die_column(die), ranks, job.config.chained)
        found = [laid for _, laid in parts]
        images = [image for image, _ in found]
        (job.out / LOADED).write_bytes(loading(images, lora))
        names = [place.name for place in die_roms(die)]
        assert all(sorted(macros) == sorted(names) for _, macros in found)
        bits = np.stack([_packed(np.concatenate([macros[name] for name in names])) for _, macros in found])
        np.save(job.out / "image.npy", bits)
        write_contents(job.out, images)
        chip = {
            "dies": len(images),
            "roms": names,
            "token_bytes": images[0].token_bytes,
            "count_bytes": images[0].count_bytes,
            "greedy": images[0].greedy,
            "parts": [asdict(Ranges.of(part)) for part, _ in parts],
        }
        (job.out / CHIP).write_text(json.dumps(chip, indent=1))
        used = [image.array.used for image in images]
        rows = [len(image.program) for image in images]
        depth = images[0].array.slots.shape[2]
        note = f"{max(used)} of {depth} rows of each rom tile, {max(rows)} rows of program"
        return Result(
            metrics={
                "dies": len(images),
                "rom_bits": 8 * bits.size,
                "rom_rows": len(images) * die.rom.rows * depth,
                "rom_rows_used": die.rom.rows * sum(used),
                "program_instructions": sum(rows),
                "table_words": sum(len(image.words) for image in images),
            },
            note=note if len(images) == 1 else f"{len(images)} dies; the fullest have {note}",
        )


def _packed(bits: np.ndarray) -> np.ndarray:
    return np.packbits(bits, axis=1, bitorder="little")
