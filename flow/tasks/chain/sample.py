"""Two ROM macros with the contents of built dies, as a layout: what design rules and LVS look at."""

__all__ = ["SampleTask"]

import json

import numpy as np

from flow.tasks.sample import TOP
from flow.tasks.step import Job, Result, StepTask

GAP = 5000  # nm between the two


class SampleTask(StepTask):
    """Takes a macro of the first die and one of the last, as their files have them."""

    step_name = "sample"
    needs = ("readback",)
    cached = False

    def work(self, job: Job) -> Result:
        import klayout.db as kdb

        from base_chip.bank import write_layout
        from base_chip.dies import load_die
        from base_chip.dies.drawn import macro_cell
        from flow.chain.check import sampled_bits
        from flow.tasks.chain.dies import FOLDER, die_jobs

        base = load_die(job.config.base)
        jobs = die_jobs(job.config, job.build / FOLDER)
        grid, layout = base.sites, kdb.Layout()
        top = layout.create_cell(TOP)
        via = layout.layer(*base.program_layers[0])
        picked = [
            (die, int(base.present[int(die.key[8 * n : 8 * n + 8], 16) % len(base.present)]))
            for n, die in enumerate((jobs[0], jobs[-1]))
        ]
        chosen, bits = [], []
        for n, (die, bank) in enumerate(picked):
            (found,) = sampled_bits(die, [bank])
            macro = macro_cell(layout, base.macro_of(bank))
            shift = n * (macro.bbox().width() + GAP)
            top.insert(kdb.CellInstArray(macro.cell_index(), kdb.Trans(shift, 0)))
            for x, y in (grid.centres(found) + np.array([shift, 0])).tolist():
                top.shapes(via).insert(kdb.Box(x, y, x, y).enlarged(grid.via // 2))
            bits.append(found)
            chosen.append({"die": die.die, "bank": bank, "vias": int(found.sum())})
        write_layout(layout, job.out / "banks.gds")
        np.save(job.out / "bits.npy", np.array(bits))
        (job.out / "banks.json").write_text(json.dumps(chosen, indent=1))
        names = " and ".join(f"bank {c['bank']} of die {c['die']}" for c in chosen)
        return Result(note=names)
