"""Every bit, read from the finished layout by a reader that shares nothing with the writer."""

__all__ = ["ReadbackTask"]

from flow.tasks.step import Job, Result, StepTask
from rtl_gen.errors import FlowError


class ReadbackTask(StepTask):
    """Reads GDS and OASIS, and hands the contents of each bank to simulation as `bank<n>.hex`."""

    step_name = "readback"
    needs = ("image", "metal")
    config = ("base",)
    code = (
        "signoff.readback",
        "rtl_gen.golden.rom",
        "base_chip.config",
        "base_chip.fields",
        "base_chip.configs",
    )
    libraries = ("klayout", "numpy")
    is_check = True

    def work(self, job: Job) -> Result:
        from base_chip.config import load_base
        from flow.tasks.parts import read_image
        from signoff.readback import compare, read_layout, readback_control, recover, write_hex

        expected = load_base(job.config.base).rom.to_banks(read_image(job.inputs["image"]))
        chip = job.inputs["metal"] / "chip.oas"
        layout = read_layout(chip)
        found = recover(layout)
        again = recover(read_layout(chip.with_suffix(".gds")), found.grids)
        write_hex(found, job.out)
        checks = [compare(found, expected), readback_control(layout, found, expected)]
        if not (again.bits == found.bits).all():
            raise FlowError(
                "GDS and OASIS hold different bits", where=str(chip.parent), hint="Run with --from metal."
            )
        return Result(checks, {"rom_bits_read_back": found.bits.size}, note=f"{found.bits.size} bits")
