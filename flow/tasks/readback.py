"""Every bit, read from the finished layout by a reader that shares nothing with the writer."""

__all__ = ["ReadbackTask"]

from flow.tasks.step import Job, Result, StepTask
from rtl_gen.errors import FlowError


class ReadbackTask(StepTask):
    """Reads GDS and OASIS, takes the bits apart, and hands each bank to simulation as `bank<n>.hex`."""

    step_name = "readback"
    needs = ("quantise", "image", "metal")
    config = ("base",)
    is_check = True

    def work(self, job: Job) -> Result:
        from base_chip.config import load_base
        from flow.tasks.integer_model import integer_model
        from flow.tasks.rom_image import read_image
        from rtl_gen.golden.quantised import QuantModel
        from signoff.contents import check_contents
        from signoff.readback import compare, read_layout, readback_control, recover, write_hex

        core = load_base(job.config.base).core()
        expected = core.rom.to_banks(read_image(job.inputs["image"]))
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
        model = QuantModel.load(job.inputs["quantise"] / "quantised.safetensors")
        integers = integer_model(job.inputs["quantise"])
        checks += check_contents(found.rows(core.rom.mux), model, integers, core)
        return Result(checks, {"rom_bits_read_back": found.bits.size}, note=f"{found.bits.size} bits")
