"""What is wrong with the floorplan of a die of tiles."""

__all__ = ["Checked", "check_die", "find_die"]

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from base_chip.dies import Floorplan, known_dies, load_die, parse_die
from base_chip.pdk import load_pdk
from base_chip.pdk.margin import load_margin
from base_chip.stitch import TileView, faults_of, place_tiles
from flow.stitching.tiles import views
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.untrusted import read_file

LARGEST = 1 << 20  # bytes of a floorplan


@dataclass(frozen=True)
class Checked:
    """What was found.

    Attributes:
        faults: By coordinate.
        unseen: What could not be looked at, and why.
        looked_at: What was.
    """

    faults: tuple[str, ...]
    unseen: tuple[str, ...]
    looked_at: str


def find_die(name: str) -> Floorplan:
    """A known die, or that of a YAML file.

    Raises:
        FlowError: There is neither (USAGE), or the file does not hold what it should.
    """
    if name in known_dies():
        return load_die(name)
    path = Path(name)
    if path.suffix != ".yaml":
        raise FlowError(
            f"unknown base {name!r} of tiles; known: {', '.join(known_dies())}",
            hint="Name one of them, or a .yaml file.",
            code=ExitCode.USAGE,
        )
    return parse_die(read_file(path, LARGEST).decode("utf-8", "replace"), where=str(path))


def check_die(die: Floorplan, known: Mapping[str, TileView] | None = None) -> Checked:
    """Check that the tiles of a die fit their places, and that pins and straps meet at every seam.

    Args:
        die: The floorplan.
        known: Tiles by kind; None for those that ship.

    Raises:
        FlowError: The artifact of a tile is damaged.
    """
    there = [kind for kind in die.kinds if kind not in die.planned]
    known = views({kind: die.tiles[kind] for kind in there}) if known is None else known
    unseen = [f"tile {kind} under several columns, which is planned" for kind in die.planned]
    unseen += [
        f"straps of tile {die.tiles[kind]}, which is not hardened"
        for kind, view in known.items()
        if not view.straps
    ]
    faults = []
    for kind, view in known.items():
        has, place = view.size, (die.tile_width, die.heights[kind])
        if has != place:
            faults.append(f"tile {kind} is {_um(has)}, its places in the floorplan are {_um(place)}")
    plan = place_tiles(die, known)
    faults += faults_of(plan, load_margin(load_pdk(die.pdk)))
    pins = sum(len(view.pins) for view in known.values())
    told = f"{len(plan.tiles)} tiles, {len(plan.seams)} seams, {pins} pins of {len(known)} kinds of tile"
    return Checked(tuple(faults), tuple(unseen), told)


def _um(size: tuple[int, int]) -> str:
    return f"{size[0] / 1000:g} x {size[1] / 1000:g} um"
