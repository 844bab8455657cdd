"""Pictures of a finished die of tiles, for its report: the die, a tile, a seam, a ROM macro, a few cells."""

__all__ = ["DieParts", "DieShape", "draw_backdrops", "draw_die_pictures"]

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import klayout.db as kdb
import numpy as np

from base_chip.harden.block import Block
from base_chip.pdk import Pdk
from base_chip.stitch import StitchPlan
from base_chip.stitch.roms import RomPlace
from base_chip.stitch.windows import crossing
from flow.report.pictures import Picture, cells, draw_base, draw_picture
from metal_configs.sitemap import SiteMap
from signoff.labels import Mark
from signoff.picture import Window

_DIE, _TILE, _SEAM, _MACRO, _CELLS = 1500, 1200, 1200, 1200, 960  # pixels
_BEYOND, _AROUND = 15000, 2000  # nm around the die, around a macro
_SHOWN = ("rom", "vec", "ram")  # the first of these that is routed is the tile that is shown
_LATER = "not routed yet"


@dataclass(frozen=True)
class DieShape:
    """What a die is made of, without a model.

    Attributes:
        plan: Its tiles.
        routed: Kinds of tile that are placed and routed.
        blocks: What place and route is told of each kind.
    """

    plan: StitchPlan
    routed: Collection[str]
    blocks: Mapping[str, Block]


@dataclass(frozen=True)
class DieParts(DieShape):
    """A die with a model.

    Attributes:
        roms: ROM macros.
        sites: Where their bits lie, macros in the order of `roms`.
        bits: Their contents, bool [macros, word lines, bit lines].
    """

    roms: Sequence[RomPlace]
    sites: SiteMap
    bits: np.ndarray


def draw_backdrops(base: Path, folder: Path, pdk: Pdk, shape: DieShape) -> None:
    """Write what pictures of the whole die and of a tile show of the base, `<picture>.npy`.

    Args:
        base: Layout of the die without a model.
        folder: Where they go.
        pdk: The process.
        shape: Of the die.
    """
    for drawn in (_die(shape), _tile(shape)):
        if not isinstance(drawn, str):
            assert drawn.picture.window
            draw_base(base, folder / f"{drawn.picture.name}.npy", pdk, drawn.picture.window, drawn.pixels)


def draw_die_pictures(
    chip: Path, folder: Path, pdk: Pdk, parts: DieParts, backdrops: Path
) -> tuple[list[Picture], list[str]]:
    """Write pictures of a die and of its parts into a folder.

    Args:
        chip: Layout of the die with a model's vias.
        folder: Where they go.
        pdk: The process.
        parts: Of the die.
        backdrops: Folder of what `draw_backdrops` wrote; what is not there is drawn whole.

    Returns:
        The pictures, and sentences about what they cannot show.
    """
    shown = [_die(parts), _tile(parts), _seam(parts), *_rom(parts)]
    pictures, lacking = [], []
    for drawn in shown:
        if isinstance(drawn, str):
            lacking.append(drawn)
            continue
        below = backdrops / f"{drawn.picture.name}.npy"
        draw_picture(
            chip, folder, pdk, drawn.picture, width=drawn.pixels, marks=drawn.marks, outside=drawn.outside,
            backdrop=below if below.exists() else None,
        )  # fmt: skip
        pictures.append(drawn.picture)
    if later := _later(parts):
        lacking.insert(0, f"Not placed and routed yet: {', '.join(later)}. There the die has memories alone.")
    return pictures, lacking


@dataclass(frozen=True)
class _Drawn:
    picture: Picture
    pixels: int
    marks: Sequence[Mark] = ()
    outside: bool = False


def _later(parts: DieShape) -> list[str]:
    """Kinds of tile that are not routed, from the north."""
    kinds = dict.fromkeys(tile.view.kind for tile in parts.plan.tiles)
    return [kind for kind in kinds if kind not in parts.routed]


def _die(parts: DieShape) -> _Drawn:
    plan, later = parts.plan, _later(parts)
    edge = kdb.Box(0, 0, *plan.die)
    marks = [Mark(_um(edge), "")]
    for tile in plan.tiles:
        lacks = tile.view.kind in later
        marks.append(Mark(_um(tile.box), tile.name, _LATER if lacks else "", lacks))
    text = f"The die: {len(plan.tiles)} tiles in a column, every layer, the model's vias in yellow"
    return _Drawn(Picture("chip", text, _um(edge.enlarged(_BEYOND, _BEYOND))), _DIE, marks, outside=True)


def _tile(parts: DieShape) -> _Drawn | str:
    found = [tile for kind in _SHOWN for tile in parts.plan.tiles if tile.view.kind == kind in parts.routed]
    if not found:
        return "There is no picture of a tile: none is placed and routed yet."
    tile, (width, height) = found[0], found[0].view.size
    boxes = parts.blocks[tile.view.kind].macro_boxes()
    marks = [Mark(_um(box.moved(*tile.at)), name.removesuffix(".macro")) for name, box in boxes.items()]
    text = f"Tile {tile.name}, {width / 1000:g} x {height / 1000:g} um: memories, cells and their wires"
    return _Drawn(Picture("tile", text, _um(tile.box)), _TILE, marks)


def _seam(parts: DieParts) -> _Drawn | str:
    seams = [s for s in parts.plan.seams if {s.first.view.kind, s.second.view.kind} <= set(parts.routed)]
    if not seams:
        return "There is no picture of a seam: no two tiles that touch are placed and routed yet."
    first, second = seams[0].first, seams[0].second
    box = crossing(seams[0])
    text = f"The seam between {first.name} and {second.name}: pins and straps touch, nothing else crosses it"
    marks = [Mark(_um(tile.box), tile.name) for tile in (first, second)]
    return _Drawn(Picture("seam", text, (box.left, box.bottom, box.right, box.top)), _SEAM, marks)


def _rom(parts: DieParts) -> Iterator[_Drawn]:
    """The ROM macro with most vias among those of rom tiles, and a few cells in the middle of them."""
    of_rom = [n for n, rom in enumerate(parts.roms) if rom.name.startswith("rom")]
    number = max(of_rom, key=lambda n: int(parts.bits[n].sum()))
    rom, bits = parts.roms[number], parts.bits[number]
    words = np.flatnonzero(bits.any(axis=1))
    word, line = int(words[len(words) // 2]), bits.shape[1] // 2
    text = (
        f"ROM macro {rom.name.removesuffix('.macro')} with its {bits.sum():,} programmed vias:"
        f" word lines {words[0]} to {words[-1]} of {len(bits)} hold something"
    )
    window = _um(kdb.Box(*rom.box).enlarged(_AROUND, _AROUND))
    yield _Drawn(Picture("bank", text, window), _MACRO)
    x, y = parts.sites.place(np.array(number), np.array(word), np.array(line)) / 1000
    yield _Drawn(cells(x, y), _CELLS)


def _um(box: kdb.Box) -> Window:
    return box.left / 1000, box.bottom / 1000, box.right / 1000, box.top / 1000
