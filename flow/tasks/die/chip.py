"""The chip on a die of tiles: the model's vias, read back, and what they leave alone."""

__all__ = ["DieInvarianceTask", "DieMetalTask", "TilesReadbackTask"]

import numpy as np

from flow.tasks.die.programmed import ProgrammedDie, read_chip
from flow.tasks.invariance import InvarianceTask
from flow.tasks.metal import MetalTask
from flow.tasks.step import Job, Result
from rtl_gen.errors import FlowError


class DieMetalTask(ProgrammedDie, MetalTask):
    """As of nano."""

    needs = ("quantise", "compile", "stitch")


class DieInvarianceTask(ProgrammedDie, InvarianceTask):
    """As of nano."""

    needs = ("stitch", "metal", "compile")


class TilesReadbackTask(ProgrammedDie):
    """Reads GDS and OASIS, and hands each ROM macro to simulation as `<instance>.hex`."""

    step_name = "readback"
    needs = ("compile", "metal")
    config = ("base",)
    is_check = True

    def work(self, job: Job) -> Result:
        from signoff.readback import compare, read_layout, readback_control, recover, write_hex

        sites = self.sites(job)
        expected = sites.rom.to_banks(self.image(job))
        chip = job.inputs["metal"] / "chip.oas"
        layout = read_layout(chip)
        found = recover(layout)
        if found.bits.shape != expected.shape or not np.array_equal(
            found.centres.reshape(-1, 2), sites.centres()
        ):
            raise FlowError(
                "ROM macros stand elsewhere than the floorplans of the tiles have them", where=str(chip),
                hint="Harden the tiles again: sc-flow base build",
            )  # fmt: skip
        again = recover(read_layout(chip.with_suffix(".gds")), found.grids)
        if not (again.bits == found.bits).all():
            raise FlowError(
                "GDS and OASIS hold different bits", where=str(chip.parent), hint="Run with --from metal."
            )
        write_hex(found, job.out, read_chip(job.inputs["compile"])["roms"])
        checks = [compare(found, expected), readback_control(layout, found, expected)]
        return Result(checks, {"rom_bits_read_back": found.bits.size}, note=f"{found.bits.size:,} bits")
