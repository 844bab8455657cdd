"""Pictures and figures for the report: die, tile, seam, a ROM macro, what the ROMs hold, areas and codes."""

__all__ = ["FIGURES", "FiguresTask", "netlist_of"]

from collections import Counter
from pathlib import Path

import msgspec

from flow.tasks.die.programmed import ProgrammedStep, read_chip
from flow.tasks.die.stitched import TILES, plan_of
from flow.tasks.die.tiles import NETLIST, routed
from flow.tasks.step import Job, Result

FIGURES = "figures.json"
_MAPS = tuple(name.replace("tile_", "map_") for name in TILES)


class FiguresTask(ProgrammedStep):
    """Of the first die of a chain. Of a tile that is not routed it shows the memories."""

    step_name = "figures"
    needs = ("quantise", "compile", *TILES, *_MAPS, "metal", "backdrops")
    config = ("base", "pdk")
    roles = ("cells",)

    def work(self, job: Job) -> Result:
        from base_chip.dies import load_die
        from base_chip.harden.cells import cell_areas, cell_lef
        from base_chip.pdk import load_pdk
        from base_chip.pdk.place_route import load_place_route
        from flow.report.die_areas import tile_area
        from flow.report.die_map import ABOUT, draw_memories, use
        from flow.report.die_pictures import DieParts, draw_die_pictures
        from flow.report.figures import area_by_kind, code_histograms
        from flow.stitching.column import die_column
        from flow.stitching.contents import memories, read_contents
        from flow.stitching.roms import die_blocks, die_roms
        from rtl_gen.golden.quantised import QuantModel

        die, pdk = load_die(job.config.base), load_pdk(job.config.pdk)
        plan, _ = plan_of(job)
        blocks, sites = die_blocks(die), self.sites(job)
        bits = sites.rom.to_banks(next(self.images(job)))
        done = [kind for kind in die.kinds if routed(job.inputs[f"tile_{kind}"])]
        parts = DieParts(plan, done, blocks, die_roms(die), sites, bits)
        dies = self.dies(job)
        chip = job.inputs["metal"] / dies[0] / "chip.oas"
        pictures, lacking = draw_die_pictures(chip, job.out, pdk, parts, job.inputs["backdrops"])
        if len(dies) > 1:
            lacking.insert(
                0, f"This is the first of the {len(dies)} dies of the chain; tiles are those of each."
            )
        roms = dict(zip(read_chip(job.inputs["compile"])["roms"], bits, strict=True))
        held = memories(roms, read_contents(job.inputs["compile"], 0), die_column(die).rom)
        draw_memories(job.out / "rom.png", held)
        library = load_place_route(pdk).library
        areas = cell_areas(cell_lef(job.pdk.path("cells"), library))
        areas |= cell_areas("".join(m.lef for block in blocks.values() for m in block.memories))
        tiles, cells = [], Counter[str]()
        for kind, block in blocks.items():
            number = sum(tile.view.kind == kind for tile in plan.tiles)
            area, found = tile_area(kind, number, block, *netlist_of(job, kind), areas)
            tiles.append(area)
            cells.update({cell: number * n for cell, n in found.items()})
        width, height = die.die
        told = {
            "pictures": pictures,
            "lacking": lacking,
            "rom": {"about": ABOUT, "use": use(held)},
            "codes": code_histograms(QuantModel.load(job.inputs["quantise"] / "quantised.safetensors")),
            "areas": area_by_kind(cells, areas, f"{library}__"),
            "tiles": tiles,
            "die_um2": width * height,
        }
        (job.out / FIGURES).write_bytes(msgspec.json.format(msgspec.json.encode(told), indent=1))
        return Result(note=", ".join(f"{name}.png" for name in (*(p.name for p in pictures), "rom")))


def netlist_of(job: Job, kind: str) -> tuple[Path | None, str]:
    """The cells of a tile, if it has any yet, and how far it is."""
    from flow.report.die_areas import MAPPED, NO_CELLS, ROUTED

    if routed(tile := job.inputs[f"tile_{kind}"]):
        return tile / NETLIST, ROUTED
    mapped = job.inputs[f"map_{kind}"] / NETLIST
    return (mapped, MAPPED) if mapped.exists() else (None, NO_CELLS)
