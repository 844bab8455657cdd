"""Two banks with the contents of built dies, as a layout: what design rules and LVS look at."""

__all__ = ["SampleTask"]

import json

import numpy as np

from flow.tasks.sample import TOP
from flow.tasks.step import Job, Result, StepTask

GAP = 5000  # nm between the two


class SampleTask(StepTask):
    """Takes a bank of the first die and one of the last, as their files have them."""

    step_name = "sample"
    needs = ("readback",)
    cached = False

    def work(self, job: Job) -> Result:
        import klayout.db as kdb

        from base_chip.bank import BankSpec, SiteGrid, build_bank, write_layout
        from base_chip.planned import load_planned
        from flow.dies_check import sampled_bits
        from flow.tasks.planned.dies import FOLDER, die_jobs

        base = load_planned(job.config.base)
        jobs = die_jobs(job.config, job.build / FOLDER)
        spec = BankSpec.of(base.rom, base.pdk)
        grid, layout = SiteGrid.of(spec), build_bank(spec)
        top, bank = layout.create_cell(TOP), layout.cell(spec.name)
        via = layout.layer(*base.program_layers[0])
        picked = []
        for n, die in enumerate((jobs[0], jobs[-1])):
            used = die.mapping(base).dies[die.die][-1].end // (base.rom.word_lines * base.rom.mux)
            picked.append((die, int(die.key[8 * n : 8 * n + 8], 16) % max(used, 1)))
        if len(jobs) == 1:
            bits = sampled_bits(jobs[0], [number for _, number in picked])
        else:
            bits = [sampled_bits(die, [number])[0] for die, number in picked]
        chosen = []
        for n, ((die, number), found) in enumerate(zip(picked, bits, strict=True)):
            shift = n * (bank.bbox().width() + GAP)
            top.insert(kdb.CellInstArray(bank.cell_index(), kdb.Trans(shift, 0)))
            for x, y in (grid.centres(found) + np.array([shift, 0])).tolist():
                top.shapes(via).insert(kdb.Box(x, y, x, y).enlarged(grid.via // 2))
            chosen.append({"die": die.die, "bank": number, "vias": int(found.sum())})
        write_layout(layout, job.out / "banks.gds")
        np.save(job.out / "bits.npy", np.array(bits))
        (job.out / "banks.json").write_text(json.dumps(chosen, indent=1))
        names = " and ".join(f"bank {c['bank']} of die {c['die']}" for c in chosen)
        return Result(note=names)
