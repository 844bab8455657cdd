"""Pictures and figures for the report: the chip, a bank, the ROM's map, areas and codes."""

__all__ = ["FIGURES", "FiguresTask", "tell"]

from typing import TYPE_CHECKING, Any

import msgspec

from flow.tasks.step import Job, Result, StepTask

if TYPE_CHECKING:
    from flow.report.pictures import Picture

FIGURES = "figures.json"


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
        from flow.report.figures import area_by_kind, cell_counts, code_histograms, draw_rom_map, rom_use
        from flow.report.pictures import draw_pictures
        from flow.tasks.rom_image import read_image
        from flow.tasks.sites import site_map
        from rtl_gen.golden.quantised import QuantModel

        base, pdk = load_base(job.config.base), load_pdk(job.config.pdk)
        library = load_place_route(pdk).library
        image = read_image(job.inputs["image"])
        blocks = read_blocks(job.inputs["image"] / "blocks.json")
        bank_lef = next(job.inputs["bank"].glob("*.lef")).read_text("utf-8")
        areas = cell_areas(cell_lef(job.pdk.path("cells"), library)) | cell_areas(bank_lef)
        cells = cell_counts(job.inputs["harden"] / "netlist.v", areas)
        pictures = draw_pictures(job.inputs["metal"] / "chip.oas", job.out, pdk, site_map(base))
        draw_rom_map(job.out / "rom.png", image, blocks, base.rom)
        told = {
            "pictures": pictures,
            "rom": {
                "about": "Banks side by side, a pixel per bit; darker where there is a via.",
                "use": {name: f"{rows} rows" for name, rows in rom_use(blocks, base.rom.rows).items()},
            },
            "codes": code_histograms(QuantModel.load(job.inputs["quantise"] / "quantised.safetensors")),
            "areas": area_by_kind(cells, areas, f"{library}__"),
        }
        return tell(job, told, pictures)


def tell(job: Job, told: dict[str, Any], pictures: "list[Picture]") -> Result:
    """Leave what the report reads; `told` has the report's figures."""
    (job.out / FIGURES).write_bytes(msgspec.json.format(msgspec.json.encode(told), indent=1))
    return Result(note=", ".join(f"{name}.png" for name in (*(p.name for p in pictures), "rom")))
