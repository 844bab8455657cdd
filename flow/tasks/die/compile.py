"""A model as the contents of every ROM macro of a die: weights, program, factors and tables."""

__all__ = ["CompileTask", "DieQuantiseTask"]

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from flow.tasks.die.programmed import CHIP, LOADED
from flow.tasks.quantise import QuantiseTask
from flow.tasks.step import Job, Result, StepTask

if TYPE_CHECKING:
    from flow.quality import Request


class DieQuantiseTask(QuantiseTask):
    """As for nano, in the arithmetic of tiles, and with an adapter if one is asked for."""

    config = (*QuantiseTask.config, "adapter_digest")

    def request(self, job: Job) -> "Request":
        from flow.quality import Request

        path = job.config.adapter_path
        return Request(tiles=True, adapter=Path(path) if path else None)


class CompileTask(StepTask):
    """Writes `image.npy`: the words of all macros in the order of `chip.json`. Says what does not fit.

    With an adapter the chip has room for those of its shape; `adapter.bin` is what the host sends after a
    reset to load it.
    """

    step_name = "compile"
    needs = ("quantise",)
    config = ("base",)

    def work(self, job: Job) -> Result:
        from base_chip.dies import load_die
        from flow.stitching.roms import die_roms, die_tiles
        from flow.tasks.integer_model import adapter, vector_model
        from metal_configs.compile.program.die import compile_die
        from metal_configs.compile.program.macros import die_macros
        from rtl_gen.golden.array import ArrayModel

        die = load_die(job.config.base)
        rom, ram, vec = die_tiles(die)
        model = vector_model(job.inputs["quantise"]).shortened(die.context)
        array = ArrayModel((die.rom.rows, 1), rom.depth, rom.columns, rom.rows, rom.sum_bits, rom.row_step)
        lora = adapter(job.inputs["quantise"])
        ranks = None if lora is None else {name: len(pair.a.codes) for name, pair in lora.pairs.items()}
        image = compile_die(model, array, die.ram.rows, ram.words, ranks, vec.rom_rows - die.rom.rows)
        (job.out / LOADED).write_bytes(image.adapters.load(lora))
        held = die_macros(image, rom, vec)
        names = [place.name for place in die_roms(die)]
        assert sorted(held) == sorted(names)
        np.save(job.out / "image.npy", np.concatenate([held[name] for name in names]))
        chip = {"roms": names, "token_bytes": image.token_bytes, "count_bytes": image.count_bytes}
        (job.out / CHIP).write_text(json.dumps(chip, indent=1))
        rows = die.rom.rows * array.used
        return Result(
            metrics={
                "rom_bits": sum(held[name].size for name in names),
                "rom_rows": die.rom.rows * rom.depth,
                "rom_rows_used": rows,
                "program_instructions": len(image.program),
                "table_words": len(image.words),
            },
            note=f"{array.used} of {rom.depth} rows of each rom tile, {len(image.program)} rows of program",
        )
