"""Every bit of every die, read from its file, compared with what the compiler meant."""

__all__ = ["BITS", "ColumnReadbackTask"]

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from flow.tasks.die.programmed import ProgrammedStep, packed_images
from flow.tasks.step import Job, Result
from signoff.result import CheckResult

if TYPE_CHECKING:
    from metal_configs.sitemap import SiteMap

BITS = "bits.npy"  # of a die: uint8 [ROM macros, word lines, bytes of a word], bit 0 of a byte leftmost
SHOWN = 5


class ColumnReadbackTask(ProgrammedStep):
    """Hands the bits of each die to simulation; the control removes a via of the last die and adds one."""

    step_name = "readback"
    needs = ("compile", "metal")
    config = ("base",)
    is_check = True

    def work(self, job: Job) -> Result:
        from flow.stitching.roms import die_plan
        from signoff.readback.die import read_die

        sites = self.sites(job)
        plan, dies, images = die_plan(sites), self.dies(job), packed_images(job)
        faults: list[str] = []
        wrong = 0
        for die, image in zip(dies, images, strict=True):
            found = read_die(job.inputs["metal"] / die / "metal.oas", plan).banks()[plan.present]
            (job.out / die).mkdir()
            np.save(job.out / die / BITS, found)
            other = np.bitwise_count(found ^ image.reshape(found.shape))
            wrong += int(other.sum(dtype=np.int64))
            faults += [f"{die}: macro {bank} WL[{word}]" for bank, word, _ in np.argwhere(other)[:SHOWN]]
        missed = _control(images[-1], sites, job.scratch)
        bits = 8 * images.size
        told = f"{bits:,} bits of {len(dies)} dies equal the ROM images"
        return Result(
            [
                _row("readback", wrong, "; ".join(faults[:SHOWN]), told),
                _row(
                    "readback_control", missed, "a removed or an added via was not found",
                    "a removed and an added via were each found at their place",
                ),
            ],
            {"rom_bits_read_back": bits},
            note=f"{bits:,} bits",
        )  # fmt: skip


def _control(rows: np.ndarray, sites: "SiteMap", scratch: Path) -> int:
    """Plant a removed and an added via in a copy of a die; how many were not found at their places."""
    from flow.stitching.roms import die_plan, one_by_one
    from metal_configs.writer.die import write_die
    from signoff.readback.die import read_die

    planted = np.unpackbits(rows, axis=1, bitorder="little")
    places = [np.argwhere(planted == value) for value in (1, 0)]
    if not all(map(len, places)):
        return 2
    for at in places:
        planted[tuple(at[len(at) // 2])] ^= 1
    path, plan = scratch / "control.oas", die_plan(sites)
    write_die(path, np.packbits(planted, axis=1, bitorder="little"), sites, one_by_one(sites))
    found = read_die(path, plan).banks()[plan.present].reshape(rows.shape)
    changed = np.unpackbits(found ^ rows, axis=1, bitorder="little")
    there = sum(int(changed[tuple(at[len(at) // 2])]) for at in places)
    return 2 - there + abs(int(changed.sum(dtype=np.int64)) - there)


def _row(name: str, count: int, faults: str, detail: str) -> CheckResult:
    status = "fail" if count else "pass"
    return CheckResult(name, "numpy", np.__version__, count, 0, status, "", faults if count else detail)
