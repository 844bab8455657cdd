"""Layout against schematic: a bank's transistors, extracted, against the netlist made from its contents."""

__all__ = ["LvsTask"]

from typing import TYPE_CHECKING

from flow.tasks.step import Job, Result, StepTask

if TYPE_CHECKING:
    from flow.tasks.sample import SampleBank


class LvsTask(StepTask):
    """A bank of 64 x 32 random bits; its negative control is a netlist with one bit changed."""

    step_name = "lvs"
    needs = ("bank",)
    config = ("pdk",)
    tools = ("magic", "netgen")
    roles = ("magic_tech", "netgen_setup")
    is_check = True

    def sample(self, job: Job) -> "SampleBank":
        """The bank that is compared."""
        from flow.tasks.sample import sample_bank

        return sample_bank(job.config.pdk, job.scratch)

    def work(self, job: Job) -> Result:
        from base_chip.bank.spice import bank_spice
        from flow.pdk.magic_tech import tech_for_magic
        from rtl_gen.tools import require
        from signoff.lvs import run

        sample = self.sample(job)
        wrong = sample.bits.copy()
        wrong[wrong.shape[0] // 2, wrong.shape[1] // 2] ^= True
        right_netlist, wrong_netlist = job.scratch / "right.spice", job.scratch / "wrong.spice"
        right_netlist.write_text(bank_spice(sample.spec, sample.bits))
        wrong_netlist.write_text(bank_spice(sample.spec, wrong))
        checks = run(
            sample.layout,
            sample.spec.name,
            right_netlist,
            wrong_netlist,
            tech_for_magic(job.pdk.path("magic_tech"), require("magic")),
            job.pdk.path("netgen_setup"),
            job.scratch / "lvs",
        )
        return Result(list(checks), note=checks[0].detail if checks[0].status == "pass" else "")
