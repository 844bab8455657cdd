"""The routed netlist computes what the mapped one does, and the one that LVS reads is the same design."""

__all__ = ["EquivRoutedTask"]

from flow.tasks.step import Job, Result, StepTask


class EquivRoutedTask(StepTask):
    """Each cell has the sources that synthesis gave it; controls are swapped inputs and other cells."""

    step_name = "equiv_routed"
    needs = ("harden",)
    config = ("base", "pdk")
    roles = ("cells",)
    is_check = True
    routed = True

    def work(self, job: Job) -> Result:
        from base_chip.bank import BankSpec
        from base_chip.config import load_base
        from base_chip.pdk import load_pdk
        from base_chip.pdk.place_route import load_place_route
        from signoff import routed_equiv, same_netlist

        base = load_base(job.config.base)
        hardened = job.inputs["harden"]
        top = f"scf_{base.name}"
        row, control = routed_equiv.run(
            hardened / "mapped.v",
            hardened / "netlist.v",
            top,
            job.pdk.path("cells"),
            {BankSpec.of(base.rom, base.pdk).name: "BL"},
            job.scratch,
        )
        supplies = load_place_route(load_pdk(job.config.pdk)).supplies
        same = same_netlist.run(hardened / "netlist.v", hardened / "lvs.v", top, supplies, job.scratch)
        note = row.detail.partition(",")[0] if row.status == "pass" else ""
        return Result([row, control, *same], note=note)
