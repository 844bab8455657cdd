"""The base's supplies as resistors, and the capacitance of its wires: the same for every model."""

__all__ = ["SUPPLIES", "SupplyGridTask"]

import json
from typing import TYPE_CHECKING

from flow.tasks.step import Job, Result, StepTask

if TYPE_CHECKING:
    from signoff.assembly.routed import Macro, Place

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
        from base_chip.pdk.place_route import load_place_route
        from flow.tasks.wiring import routed_design, stack_of
        from signoff.netlist import read_netlist
        from signoff.power.grid import grid_of

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
        per_um = load_place_route(pdk).capacitance  # pF
        farads = {
            net: sum(per_um[layer] * nm / 1000 for layer, nm in lengths.items()) * 1e-12
            for net, lengths in sorted(routed.lengths.items())
        }
        (job.out / "wires.json").write_text(json.dumps(farads))
        centres = {name: _centre(routed.macros[place[0]], place) for name, place in places.items()}
        (job.out / "places.json").write_text(json.dumps(centres))
        return Result(note=f"{resistors} resistors, {sum(farads.values()) * 1e12:.0f} pF of wires")


def _centre(macro: "Macro", place: "Place") -> tuple[float, float]:
    """Where an instance's middle is, um."""
    import klayout.db as kdb

    _, rot, x, y = place
    middle = (kdb.Trans(rot % 4, rot >= 4, x, y) * kdb.Box(0, 0, macro.width, macro.height)).center()
    return middle.x / 1000, middle.y / 1000
