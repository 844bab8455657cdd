"""Layout against the routed netlist: the whole chip with cells as boxes, and each kind of cell inside."""

__all__ = ["LvsChipTask"]

from flow.tasks.step import Job, Result, StepTask


class LvsChipTask(StepTask):
    """Its controls: an open, a short, swapped ports and pins; in a cell swapped pins and a wrong width."""

    step_name = "lvs_chip"
    needs = ("metal", "harden")
    config = ("model", "base", "pdk")
    tools = ("magic", "netgen")
    roles = ("cells", "magic_tech", "netgen_setup")
    is_check = True
    routed = True

    def work(self, job: Job) -> Result:
        import numpy as np

        from base_chip.assemble import cell_name
        from base_chip.bank import BankSpec
        from base_chip.config import load_base
        from base_chip.pdk import load_pdk
        from base_chip.pdk.checks import load_checks
        from flow.pdk.magic_tech import tech_for_magic
        from flow.tasks.sites import site_map
        from flow.tasks.wiring import box_pins, stack_of
        from rtl_gen.tools import require
        from signoff import lvs_cells, lvs_chip
        from signoff.chip.netlist import without_squares
        from signoff.chip.verilog import chip_netlist
        from signoff.netlist import read_netlist
        from signoff.readback import read_layout

        pdk, base = load_pdk(job.config.pdk), load_base(job.config.base)
        name = cell_name(f"scf_{base.name}")
        chip = read_layout(job.inputs["metal"] / "chip.gds")
        setup, cells = job.pdk.path("netgen_setup"), job.pdk.path("cells")
        facts = load_checks(pdk)
        inside = lvs_cells.run(
            chip,
            {path.stem: path for path in sorted(cells.glob("*/*.spice"))},
            lvs_cells.Narrow(facts.narrow.width, facts.narrow.models),
            tech_for_magic(job.pdk.path("magic_tech"), require("magic")),
            setup,
            job.scratch / "cells",
            diodes=lvs_cells.Diodes(pdk.layers["diff"], pdk.layers["areaid_diode"]),
        )
        sites = site_map(base)
        corner = sites.centres() - sites.size // 2
        squares = np.concatenate([corner, corner + sites.size], axis=1)
        program = without_squares(chip, f"{name}_metal", sites.layer, squares)
        boxes = box_pins(pdk, cells, BankSpec.of(base.rom, base.pdk))
        netlist = chip_netlist(read_netlist(job.inputs["harden"] / "lvs.v"), name, boxes)
        top = cell_name(f"scf_{base.name}_{job.config.model}")
        whole = lvs_chip.run(
            chip, top, netlist, stack_of(pdk), boxes, setup, job.scratch / "chip", program=program
        )
        return Result([*whole, *inside], note=whole[0].detail if whole[0].status == "pass" else "")
