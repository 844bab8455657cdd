"""The routed netlist computes what the mapped one does: each cell has the sources that synthesis gave it."""

__all__ = ["EquivRoutedTask"]

from flow.tasks.step import Job, Result, StepTask


class EquivRoutedTask(StepTask):
    """Its controls are two swapped inputs, an inverter too many, and a gate of another function."""

    step_name = "equiv_routed"
    needs = ("harden",)
    config = ("base",)
    code = (
        "signoff.netlist",
        "signoff.routed_equiv",
        "signoff.timing.cells",
        "base_chip.bank",
        "base_chip.config",
        "base_chip.fields",
        "base_chip.configs",
    )
    roles = ("cells",)
    is_check = True
    routed = True

    def work(self, job: Job) -> Result:
        from base_chip.bank import BankSpec
        from base_chip.config import load_base
        from signoff.routed_equiv import run

        base = load_base(job.config.base)
        hardened = job.inputs["harden"]
        row, control = run(
            hardened / "mapped.v",
            hardened / "netlist.v",
            f"scf_{base.name}",
            job.pdk.path("cells"),
            {BankSpec.of(base.rom, base.pdk).name: "BL"},
        )
        return Result([row, control], note=row.detail.partition(",")[0] if row.status == "pass" else "")
