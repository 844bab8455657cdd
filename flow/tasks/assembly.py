"""Every instance, cell, transistor and layer of the chip accounted for, and its two files alike."""

__all__ = ["AssemblyTask"]

from flow.tasks.step import Job, Result, StepTask


class AssemblyTask(StepTask):
    """Each of its checks has a control, with one planted fault of each kind.

    Of a base that is not placed and routed yet it looks at the banks alone.
    """

    step_name = "assembly"
    needs = ("harden", "bank", "metal")
    config = ("model", "base", "pdk")
    roles = ("cells", "tech_lef")
    is_check = True

    def work(self, job: Job) -> Result:
        from collections import Counter

        import numpy as np

        from base_chip.assemble import cell_name
        from base_chip.bank import BankSpec, SiteGrid
        from base_chip.bank.spice import bank_spice
        from base_chip.config import load_base
        from base_chip.pdk import load_pdk
        from base_chip.pdk.checks import load_checks
        from flow.tasks.wiring import routed_design, stack_of
        from signoff.assembly.devices import known_devices, library
        from signoff.assembly.layers import Allowed, die_layers
        from signoff.assembly.npc import ContactMask, contact_mask
        from signoff.assembly.placement import Names, Plan, placement
        from signoff.assembly.same import same_layout
        from signoff.bank import BankStack, bank
        from signoff.readback import read_layout

        pdk, base = load_pdk(job.config.pdk), load_base(job.config.base)
        facts, spec = load_checks(pdk), BankSpec.of(base.rom, base.pdk)
        own = cell_name(f"scf_{base.name}")
        names = Names(cell_name(f"{own}_{job.config.model}"), own, f"{own}_metal")
        chip = read_layout(job.inputs["metal"] / "chip.gds")
        cells = job.pdk.path("cells")
        banks = Counter((spec.name, 0, x, y) for x, y in base.floorplan.banks_nm())
        plan, vias = Plan(names, banks, Counter(), banks), {}
        layout_def = job.inputs["harden"] / "layout.def"
        if layout_def.exists():
            routed = routed_design(layout_def, pdk, cells, job.pdk.path("tech_lef"), spec)
            plan, vias = Plan(names, routed.cells, routed.vias, banks), dict(routed.via_shapes)
        used = {cell.name for cell in chip.each_cell()}
        files = [path for path in sorted(cells.glob("*/*.gds")) if path.stem in used]
        known = library([*files, job.inputs["bank"] / f"{spec.name}.gds"], vias, pdk.layers)
        layers = pdk.layers
        die = facts.die_layers
        program = frozenset(layers[name] for name in pdk.program_layers)
        allowed = Allowed(die.cells, die.vias, die.base, program, layers["prBoundary"], die.opening)
        name, enclosure = facts.contact_mask.name, facts.contact_mask.enclosure
        mask = ContactMask(name, layers[name], layers[facts.contact], layers["poly"], enclosure)
        sites = SiteGrid.of(spec)
        full = np.ones(sites.shape, bool)
        process = BankStack(stack_of(pdk), pdk.devices["nfet"], pdk.devices["pfet"])
        spice, centres = bank_spice(spec, full), sites.centres(full)
        gates = layers["poly"], layers["diff"]
        oasis = read_layout(job.inputs["metal"] / "chip.oas")
        checks = [
            *placement(chip, plan, job.scratch),
            *known_devices(chip, known, names, gates, job.scratch),
            *die_layers(chip, names, allowed, job.scratch),
            *contact_mask(chip, names, mask, job.scratch),
            *bank(chip, spec.name, centres, sites.via, spice, process, job.scratch),
            *same_layout(chip, oasis, names, job.scratch),
        ]
        return Result(checks, note=f"{plan.cells.total()} cells and banks, {plan.vias.total()} vias")
