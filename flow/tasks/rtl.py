"""Verilog of the base."""

__all__ = ["RtlTask"]

from flow.tasks.step import Job, Result, StepTask


class RtlTask(StepTask):
    """Elaborates the Amaranth description of the tile."""

    step_name = "rtl"
    config = ("base",)

    def work(self, job: Job) -> Result:
        from base_chip.config import load_base
        from rtl_gen.tile import tile_verilog

        text = tile_verilog(load_base(job.config.base).core())
        (job.out / "rtl.v").write_text(text)
        return Result(note=f"{text.count(chr(10))} lines")
