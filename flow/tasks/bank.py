"""The ROM bank: its layout without a model, and all other views from the same description."""

__all__ = ["BankTask"]

from flow.tasks.step import Job, Result, StepTask


class BankTask(StepTask):
    """Writes GDS, LEF, liberty, Verilog and SPICE of the base's bank."""

    step_name = "bank"
    config = ("base", "pdk")

    def work(self, job: Job) -> Result:
        from base_chip.bank import BankSpec, um2_per_bit
        from base_chip.bank.views import load_timing, write_views
        from base_chip.config import load_base

        base = load_base(job.config.base)
        spec = BankSpec.of(base.rom, base.pdk)
        write_views(spec, job.out, timing=load_timing(spec))
        area = um2_per_bit(spec)
        return Result(
            metrics={"rom_um2_per_bit": area, "rom_bits": base.rom.rows * base.rom.bits},
            note=f"{base.rom.banks} banks of {spec.word_lines} x {spec.bit_lines}, {area:.3f} um2 per bit",
        )
