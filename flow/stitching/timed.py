"""A die of tiles as it is simulated with delays: one netlist of all its tiles and the wires between."""

__all__ = ["memories_of", "timed_die"]

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from base_chip.harden.block import Macro
from flow.stitching.delays import delays_of
from flow.stitching.stitch import Stitched
from flow.stitching.tiles import HardTile
from flow.stitching.wires import wires_of_margin
from rtl_gen.tiles.macro import IN_GROUP
from signoff.gatesim.timed import Memory, TimedDesign, timed_design
from signoff.netlist import read_netlist
from signoff.seams.timing import Timed, flat_die
from signoff.timed import CORNER
from signoff.timing.cells import load_cells
from signoff.timing.sdf import read_sdf


def timed_die(made: Stitched, tiles: Mapping[str, HardTile], cells: Path, scratch: Path) -> TimedDesign:
    """The die in the typical corner; instances in a tile are called <tile>__<instance>.

    Args:
        made: The die.
        tiles: By kind.
        cells: Folder of the kit's cells.
        scratch: Folder for netlist and SDF; made if missing.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    macros = {macro.name: macro for tile in tiles.values() for macro in tile.macros}
    die = Timed(read_netlist(made.file(".v")), cells, list(macros), wires_of_margin(made.plan))
    flat = flat_die(die, delays_of(tiles, CORNER))
    netlist, sdf = scratch / "die.v", scratch / "die.sdf"
    netlist.write_text(flat.verilog)
    sdf.write_text(flat.sdf)
    parsed = read_netlist(netlist)
    kinds = {of.cell for of in parsed.instances.values()} - set(macros)
    return timed_design(parsed, read_sdf(sdf), load_cells(kinds, cells), memories_of(macros.values()))


def memories_of(macros: Iterable[Macro]) -> dict[str, Memory]:
    """What timed simulation has to know of memories, by their names."""
    return {macro.name: Memory(_words(macro), rom="write" not in macro.ports) for macro in macros}


def _words(macro: Macro) -> int:
    """Its address has a wire of `b_n` for each group."""
    found = re.search(r"\[(\d+):0\] b_n\b", macro.ports)
    assert found
    return IN_GROUP * (int(found[1]) + 1)
