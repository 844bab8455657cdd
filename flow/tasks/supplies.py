"""Supplies by metal alone, on the layout of the chip."""

__all__ = ["SuppliesTask"]

from flow.tasks.step import Job, Result, StepTask


class SuppliesTask(StepTask):
    """Its control takes a strap away, and cuts a rail from all straps."""

    step_name = "supplies"
    needs = ("harden", "metal")
    config = ("base", "pdk")
    roles = ("cells", "tech_lef")
    is_check = True
    routed = True

    def work(self, job: Job) -> Result:
        from base_chip.assemble import cell_name
        from base_chip.bank import BankSpec
        from base_chip.config import load_base
        from base_chip.pdk import load_pdk
        from flow.tasks.wiring import routed_design, stack_of
        from signoff.readback import read_layout
        from signoff.supplies import supplies

        pdk, base = load_pdk(job.config.pdk), load_base(job.config.base)
        kit, tech = job.pdk.path("cells"), job.pdk.path("tech_lef")
        bank = BankSpec.of(base.rom, base.pdk)
        routed = routed_design(job.inputs["harden"] / "layout.def", pdk, kit, tech, bank)
        chip = read_layout(job.inputs["metal"] / "chip.gds")
        rows = supplies(chip, cell_name(f"scf_{base.name}"), routed, stack_of(pdk), job.scratch)
        return Result(rows, note=", ".join(sorted(routed.supply_wires)))
