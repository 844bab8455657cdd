"""The ROM read back from the finished layout of each die, every bit of it."""

__all__ = ["ReadbackTask"]

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from flow.tasks.die.programmed import ProgrammedStep, read_chip
from flow.tasks.step import Job, Result
from rtl_gen.errors import FlowError
from signoff.result import CheckResult

if TYPE_CHECKING:
    from metal_configs.sitemap import SiteMap


class ReadbackTask(ProgrammedStep):
    """Reads GDS and OASIS of each die, and hands each ROM macro to simulation as `<instance>.hex`."""

    step_name = "readback"
    needs = ("compile", "metal")
    config = ("base",)
    is_check = True

    def work(self, job: Job) -> Result:
        from signoff.result import of_dies

        sites = self.sites(job)
        names = read_chip(job.inputs["compile"])["roms"]
        rows, bits = [], 0
        for die, image in zip(self.dies(job), self.images(job), strict=True):
            expected = sites.rom.to_banks(image)
            (job.out / die).mkdir()
            rows.append(_read(job.inputs["metal"] / die / "chip.oas", sites, expected, names, job.out / die))
            bits += expected.size
        return Result(of_dies(rows), {"rom_bits_read_back": bits}, note=f"{bits:,} bits")


def _read(
    chip: Path, sites: "SiteMap", expected: np.ndarray, names: Sequence[str], out: Path
) -> list[CheckResult]:
    """A die: `expected` are its bits by macro, `names` the macros' instances."""
    from signoff.readback import compare, read_layout, readback_control, recover, write_hex

    layout = read_layout(chip)
    found = recover(layout)
    placed = np.array_equal(found.centres.reshape(-1, 2), sites.centres())
    if found.bits.shape != expected.shape or not placed:
        raise FlowError(
            "ROM macros stand elsewhere than the floorplans of the tiles have them", where=str(chip),
            hint="Harden the tiles again: sc-flow base build",
        )  # fmt: skip
    again = recover(read_layout(chip.with_suffix(".gds")), found.grids)
    if not (again.bits == found.bits).all():
        raise FlowError(
            "GDS and OASIS hold different bits", where=str(chip.parent), hint="Run with --from metal."
        )
    write_hex(found.bits, out, names)
    return [compare(found, expected), readback_control(layout, found, expected)]
