"""The base's supplies as resistors, and the capacitance of its wires: the same for every model."""

__all__ = ["SUPPLIES", "SupplyGridTask"]

import json

from flow.tasks.step import Job, Result, StepTask

SUPPLIES = ("VGND", "VPWR")


class SupplyGridTask(StepTask):
    """Reads the routed DEF; of a base that is not routed yet there is none."""

    step_name = "supply_grid"
    needs = ("harden",)
    config = ("base", "pdk")
    roles = ("cells", "tech_lef")

    def work(self, job: Job) -> Result:
        from base_chip.bank import BankSpec
        from base_chip.config import load_base
        from base_chip.pdk import load_pdk
        from flow.tasks.energies import wire_farads
        from flow.tasks.wiring import routed_design, stack_of
        from signoff.netlist import read_netlist
        from signoff.power.grid import centre_of, grid_of

        layout = job.inputs["harden"] / "layout.def"
        if not layout.exists():
            return Result(note="not routed yet")
        pdk, base = load_pdk(job.config.pdk), load_base(job.config.base)
        bank = BankSpec.of(base.rom, base.pdk)
        routed = routed_design(layout, pdk, job.pdk.path("cells"), job.pdk.path("tech_lef"), bank)
        instances = read_netlist(job.inputs["harden"] / "netlist.v").instances
        places = {name: routed.placed[name] for name in instances}
        wires = stack_of(pdk).wires[1:]  # the first is inside of cells
        resistors = 0
        for net in SUPPLIES:
            grid = grid_of(routed, net, wires, places, {bank.name})
            grid.save(job.out / f"{net}.npz")
            resistors += len(grid.ends)
        farads = wire_farads(routed, pdk)
        (job.out / "wires.json").write_text(json.dumps(farads))
        centres = {name: centre_of(routed.macros[place[0]], place) for name, place in places.items()}
        (job.out / "places.json").write_text(json.dumps(centres))
        return Result(note=f"{resistors} resistors, {sum(farads.values()) * 1e12:.0f} pF of wires")
