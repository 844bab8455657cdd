"""Design rules of a hardened tile by itself."""

__all__ = ["design_rules", "open_inputs"]

from dataclasses import replace
from datetime import date
from pathlib import Path

from base_chip.harden.block import Block
from base_chip.pdk import Pdk, load_pdk
from flow.pdk.files import PdkFiles
from flow.pdk.magic_tech import tech_for_magic
from flow.stitching.tiles import HardTile
from flow.tasks.drc_klayout import klayout_rows
from flow.tasks.sample import sample_bank
from rtl_gen.tools import require
from signoff import drc_magic
from signoff.netlist import read_netlist
from signoff.result import CheckResult
from signoff.waivers import Waiver


def design_rules(tile: HardTile, block: Block, files: PdkFiles, scratch: Path) -> list[CheckResult]:
    """Design rules in KLayout and in Magic, density, empty shapes; each row followed by its control's."""
    scratch.mkdir(parents=True, exist_ok=True)
    pdk = load_pdk(block.pdk)
    rows = klayout_rows(tile.gds, block.top, pdk, files, scratch / "klayout", open_inputs(tile.folder, block))
    return [*map(_settled, rows), *_magic(tile, block, pdk, files, scratch / "magic")]


def _settled(row: CheckResult) -> CheckResult:
    """A row whose only faults are at open inputs passes: on a die, which is checked whole, none is left."""
    if row.status != "waived":
        return row
    told = f"{row.waived} input that the tile does not use floats until the tile beside it drives it"
    return replace(row, status="pass", reason="", detail=told, waived=0)


def open_inputs(folder: Path, block: Block) -> tuple[Waiver, ...]:
    """Waivers for inputs that a tile does not use: metal without a via, until the next tile drives it."""
    netlist = read_netlist(folder / "netlist.v")
    on_pins = {net for of in netlist.instances.values() for nets in of.pins.values() for net in nets}
    used = on_pins.union(*netlist.aliases)
    return tuple(
        Waiver(
            "drc_klayout",
            f"m{pin.layer.removeprefix('met')}.x",  # as the deck calls floating metal of a layer
            (pin.left, pin.bottom, pin.right, pin.top),
            "an input that the tile does not use: the tile beside it drives it",
            date.max,
        )
        for name, pin in block.pins.items()
        if not pin.output and name not in used
    )


def _magic(tile: HardTile, block: Block, pdk: Pdk, files: PdkFiles, folder: Path) -> list[CheckResult]:
    folder.mkdir(parents=True, exist_ok=True)
    tech, sample = tech_for_magic(files.path("magic_tech"), require("magic")), sample_bank(pdk.name, folder)
    control = drc_magic.control(
        sample.layout, sample.spec.name, tech, folder / "control", site=sample.empty, layers=pdk.layers
    )
    return [drc_magic.run(tile.gds, block.top, tech, folder / "drc"), control]
