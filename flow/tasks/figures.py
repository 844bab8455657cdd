"""Pictures and figures for the report: the chip, a bank, the ROM's map, areas and codes."""

__all__ = ["FiguresTask"]

import json
from collections import Counter

from flow.tasks.step import Job, Result, StepTask


class FiguresTask(StepTask):
    """What the report shows beside numbers that other steps have found."""

    step_name = "figures"
    needs = ("quantise", "image", "harden", "bank", "metal")
    config = ("base", "pdk")
    roles = ("cells",)

    def work(self, job: Job) -> Result:
        from base_chip.config import load_base
        from base_chip.harden.cells import cell_areas, cell_lef
        from base_chip.pdk import load_pdk
        from base_chip.pdk.place_route import load_place_route
        from flow.blocks import read_blocks
        from flow.report.figures import area_by_kind, code_histograms, draw_pictures, draw_rom_map, rom_use
        from flow.tasks.rom_image import read_image
        from flow.tasks.sites import site_map
        from rtl_gen.golden.quantised import QuantModel
        from signoff.netlist import read_modules

        base, pdk = load_base(job.config.base), load_pdk(job.config.pdk)
        library = load_place_route(pdk).library
        image = read_image(job.inputs["image"])
        blocks = read_blocks(job.inputs["image"] / "blocks.json")
        bank_lef = next(job.inputs["bank"].glob("*.lef")).read_text("utf-8")
        areas = cell_areas(cell_lef(job.pdk.path("cells"), library)) | cell_areas(bank_lef)
        cells: Counter[str] = Counter()
        for module in read_modules(job.inputs["harden"] / "netlist.v").values():
            cells.update(i.cell for i in module.instances.values() if i.cell in areas)
        draw_pictures(job.inputs["metal"] / "chip.oas", job.out, pdk, site_map(base))
        draw_rom_map(job.out / "rom.png", image, blocks, base.rom)
        told = {
            "rom_rows": rom_use(blocks, base.rom.rows),
            "codes": code_histograms(QuantModel.load(job.inputs["quantise"] / "quantised.safetensors")),
            "areas": area_by_kind(cells, areas, f"{library}__"),
        }
        (job.out / "figures.json").write_text(json.dumps(told, indent=1))
        return Result(note="chip.png, bank.png, cell.png, rom.png")
