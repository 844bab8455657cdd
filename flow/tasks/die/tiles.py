"""The tiles of a die: layout and netlist of each kind, from its artifact as far as that goes."""

__all__ = ["MAP_STEPS", "MODELS", "NETLIST", "TILE_STEPS", "hard_tile", "not_routed", "routed", "tile_name"]

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from flow.tasks.step import Job, Result, StepTask
from signoff.result import CheckResult

if TYPE_CHECKING:
    from flow.stitching.tiles import HardTile

MODELS = "models"  # folder of the Verilog of a tile's memories
NAME = "tile.txt"  # which tile it is, a file of base_chip/tiles
NETLIST = "netlist.v"  # of a hardened tile in tile_<kind>, else of the mapped one in map_<kind>


def routed(folder: Path) -> bool:
    """Whether what a step tile_<kind> left is a placed and routed tile."""
    return (folder / "layout.def").exists()


def not_routed(step: str, folders: Mapping[str, Path]) -> Result | None:
    """What a check of routed tiles comes to if some are not; `folders` of steps tile_<kind>, by kind."""
    if not (lacking := [kind for kind, folder in folders.items() if not routed(folder)]):
        return None
    why = f"tile {', '.join(lacking)} is not placed and routed yet; with OpenROAD: sc-flow base build"
    return Result([CheckResult.not_run(step, why)])


def tile_name(folder: Path) -> str:
    """Which tile a step tile_<kind> left in a folder."""
    return (folder / NAME).read_text("utf-8")


def hard_tile(kind: str, folder: Path) -> "HardTile":
    """The routed tile that a step tile_<kind> left in a folder."""
    from base_chip.stitch import read_view
    from flow.hardening.blocks import block_of
    from flow.stitching.tiles import HardTile

    view = read_view(kind, (folder / "layout.def").read_text("utf-8"))
    name = tile_name(folder)
    return HardTile(name, view, folder, folder / "tile.gds", folder / "cells.lef", block_of(name).memories)


class TileTask(StepTask):
    """Draws a tile, and keeps its RTL. One that is not hardened is drawn as its macros alone."""

    needs = ("base",)
    config: ClassVar[tuple[str, ...]] = ("pdk",)
    roles = ("cells", "tech_lef")
    kind: ClassVar[str]

    def work(self, job: Job) -> Result:
        from base_chip.bank.layout import write_layout
        from base_chip.tiles import load_tile
        from base_chip.tiles.parts import macro_layouts, macro_models
        from flow.hardening.blocks import load_block
        from flow.stitching.tiles import hardened, planned, shipped

        name = self.which(job)
        tile = load_tile(name)
        block, rtl = load_block(name)
        (job.out / NAME).write_text(name)
        (job.out / "rtl.v").write_text(rtl)
        (job.out / MODELS).mkdir()
        for macro, text in macro_models(tile).items():
            (job.out / MODELS / f"{macro}.v").write_text(text)
        size = f"{block.die[0]:g} x {block.die[1]:g} um"
        kept = shipped(name)
        if kept is None or not kept.routed:
            write_layout(planned(block, macro_layouts(tile), job.scratch), job.out / "tile.gds")
            if kept is not None:
                (job.out / "mapped.v").write_bytes(kept.content("mapped.v"))
            return Result(note=f"{size}, {len(block.places)} macros: not placed and routed yet")
        drawn = hardened(kept, name, job.pdk, job.scratch)
        for file in (*kept.sums, drawn.gds.name, drawn.lef.name):
            shutil.move(drawn.folder / file, job.out / file)
        return Result(note=size)

    def which(self, job: Job) -> str:
        """Which tile it is, a file of base_chip/tiles."""
        return self.kind


class MapTask(StepTask):
    """The tile as mapped cells, where it is not routed: of its artifact, or by Yosys where liberty is."""

    roles = ("liberty",)
    config = ("pdk",)
    tools = ("yosys",)
    is_check = True
    kind: ClassVar[str]

    def work(self, job: Job) -> Result:
        from base_chip.synth import map_to_cells
        from flow.hardening.blocks import load_block
        from flow.hardening.synthesis import need_liberty, plain_liberty

        tile = job.inputs[f"tile_{self.kind}"]
        if routed(tile):
            return Result(note="the routed netlist is there")
        if (mapped := tile / "mapped.v").exists():
            shutil.copyfile(mapped, job.out / NETLIST)
            return Result(note="of the artifact")
        if not job.pdk.liberty:
            why = f"tile {self.kind} has no artifact, and no liberty to map it; set SCF_LIBERTY_DIR"
            return Result([CheckResult.not_run(self.step_name, why)])
        block, rtl = load_block(tile_name(tile))
        netlist = map_to_cells(
            rtl, block.top, plain_liberty(need_liberty(job.pdk), job.scratch),
            {m.name: m.ports for m in block.memories}, job.scratch / "map",
            resimplify=block.resimplify,
        )  # fmt: skip
        (job.out / NETLIST).write_text(netlist.verilog)
        cells = netlist.cell_count - len(block.places)
        return Result(
            metrics={f"{self.kind}_tile_cells": cells, f"{self.kind}_tile_cell_area_um2": netlist.area_um2},
            note=f"{cells} cells, {netlist.area_um2:,.0f} um2",
        )


class RomTileTask(TileTask):
    """The rom tile."""

    step_name = "tile_rom"
    kind = "rom"


class RamTileTask(TileTask):
    """The ram tile."""

    step_name = "tile_ram"
    kind = "ram"


class VecTileTask(TileTask):
    """The vec tile, of which there is more than one size."""

    step_name = "tile_vec"
    config = ("pdk", "vec_tile")
    kind = "vec"

    def which(self, job: Job) -> str:
        return job.config.vec_tile


class MapRomTask(MapTask):
    """Cells of the rom tile."""

    step_name = "map_rom"
    needs = ("tile_rom",)
    kind = "rom"


class MapRamTask(MapTask):
    """Cells of the ram tile."""

    step_name = "map_ram"
    needs = ("tile_ram",)
    kind = "ram"


class MapVecTask(MapTask):
    """Cells of the vec tile."""

    step_name = "map_vec"
    needs = ("tile_vec",)
    kind = "vec"


TILE_STEPS = (RomTileTask, RamTileTask, VecTileTask)
MAP_STEPS = (MapRomTask, MapRamTask, MapVecTask)
