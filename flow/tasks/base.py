"""Layout of the base: the routed design with the layouts of its cells and banks in their places.

Of a base that is not placed and routed yet it shows the banks alone.
"""

__all__ = ["BaseTask"]

import re

from flow.tasks.step import Job, Result, StepTask
from rtl_gen.errors import FlowError


class BaseTask(StepTask):
    """Draws `base.gds`, which is the same for every model."""

    step_name = "base"
    needs = ("harden", "bank")
    config = ("base", "pdk")
    roles = ("cells", "tech_lef")

    def work(self, job: Job) -> Result:
        from base_chip.assemble import assemble_base, cell_name
        from base_chip.bank import BankSpec, write_layout
        from base_chip.config import load_base
        from base_chip.harden.cells import cell_lef
        from base_chip.harden.streamout import stream_out
        from base_chip.pdk import load_pdk
        from base_chip.pdk.place_route import load_place_route

        base, pdk = load_base(job.config.base), load_pdk(job.config.pdk)
        bank = BankSpec.of(base.rom, base.pdk).name
        width, height = base.floorplan.die
        metrics = {"die_mm2": width * height / 1e6}
        routed = job.inputs["harden"] / "layout.def"
        if not routed.exists():
            write_layout(assemble_base(base), job.out / "base.gds")
            return Result(metrics=metrics, note=f"{width:g} x {height:g} um, banks alone: not routed yet")
        kit, library = job.pdk.path("cells"), load_place_route(pdk).library
        lef = job.scratch / "cells.lef"
        lef.write_text(cell_lef(kit, library))
        used = set(re.findall(rf"\b{library}__\w+", routed.read_text("utf-8")))
        cells = [path for path in sorted(kit.glob("*/*.gds")) if path.stem in used]
        views = job.inputs["bank"]
        lefs = [job.pdk.path("tech_lef"), lef, views / f"{bank}.lef"]
        streamed = stream_out(routed, lefs, [*cells, views / f"{bank}.gds"], pdk)
        layout = streamed.layout
        metrics["shapes_lengthened"] = sum(found.mended for found in streamed.lengthened.values())
        metrics["shapes_below_least_area"] = sum(found.left for found in streamed.lengthened.values())
        top = layout.top_cell()
        if top.name != cell_name(f"scf_{base.name}"):
            raise FlowError(f"the routed design is {top.name}, expected scf_{base.name}", where=str(routed))
        places = sorted(str(i.trans) for i in top.each_inst() if i.cell.name == bank)
        wanted = sorted(f"r0 {x},{y}" for x, y in base.floorplan.banks_nm())
        if places != wanted:
            # Vias of models are placed by the config, and would lie beside banks that stand elsewhere.
            raise FlowError(
                f"the banks stand at {'; '.join(places) or 'no place'}, expected {'; '.join(wanted)}",
                where=str(routed),
                hint=f"Harden the base anew: sc-flow base build {base.name}",
            )
        write_layout(layout, job.out / "base.gds")
        return Result(metrics=metrics, note=f"{width:g} x {height:g} um, {len(used)} kinds of cell")
