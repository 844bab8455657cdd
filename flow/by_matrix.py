"""A copy of a chip whose program vias lie on a layer per matrix, so that a viewer colours them apart."""

__all__ = ["BlockLayer", "write_by_matrix"]

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import klayout.db as kdb
import numpy as np

from flow.blocks import Block
from flow.report.figures import CATEGORIES, category
from metal_configs.sitemap import SiteMap
from rtl_gen.errors import FlowError
from signoff.picture import MODEL
from signoff.readback import read_layout


@dataclass(frozen=True)
class BlockLayer:
    """Where the vias of a matrix, table or the program are drawn.

    Attributes:
        name: As the ROM image names it, with its kind.
        layer: GDS layer and datatype of the copy.
        colour: 0xRRGGBB, that of the report's map of the ROM.
        vias: On the layer.
    """

    name: str
    layer: tuple[int, int]
    colour: int
    vias: int


def write_by_matrix(chip: Path, target: Path, sites: SiteMap, blocks: Sequence[Block]) -> list[BlockLayer]:
    """Write the copy as OASIS; only for looking at, as no mask has these layers.

    Args:
        chip: Layout of the chip.
        target: File to write.
        sites: Where each bit of the ROM lies.
        blocks: What lies in which rows.

    Raises:
        FlowError: A via of the model lies on no site, or a via on a row of no block.
    """
    layout = read_layout(chip)
    free = max(info.layer for info in layout.layer_infos()) + 1
    program = layout.layer(*sites.layer)
    models = [cell for cell in layout.each_cell() if cell.name.endswith(MODEL)]
    vias = kdb.Region()
    for cell in models:
        vias += kdb.Region(cell.begin_shapes_rec(program))
    boxes = [polygon.bbox() for polygon in vias.each_merged()]
    for cell in models:
        for index in (cell.cell_index(), *cell.called_cells()):
            layout.cell(index).clear(program)
    points = np.array([(b.center().x, b.center().y) for b in boxes], np.int64).reshape(-1, 2)
    bank, word_line, bit_line = sites.locate(points)
    rows, _ = sites.to_row(bank, word_line, bit_line)
    names, of_row = _names(blocks, sites.rom.rows)
    owner = np.where(bank < 0, -1, of_row[rows])
    if lost := int((owner < 0).sum()):
        raise FlowError(
            f"{lost} vias lie on no site of the base, or in a row of no matrix", where=str(chip),
            hint="Image and chip are of different builds: build it again.",
        )  # fmt: skip
    out = []
    top = layout.top_cell()
    for number, (name, kind) in enumerate(names):
        mine = np.flatnonzero(owner == number)
        shapes = top.shapes(layout.layer(free, number))
        for n in mine:
            shapes.insert(boxes[n])
        colour = int(CATEGORIES[category(name, kind)][1:], 16)
        out.append(BlockLayer(f"{name} ({kind})", (free, number), colour, len(mine)))
    options = kdb.SaveLayoutOptions()
    options.format = "OASIS"
    layout.write(str(target), options)
    return out


def _names(blocks: Sequence[Block], rows: int) -> tuple[list[tuple[str, str]], np.ndarray]:
    """Name and kind of what lies in the ROM, and which of them each row is of; -1 for none."""
    of_row = np.full(rows, -1)
    names: dict[tuple[str, str], int] = {}
    for block in blocks:
        number = names.setdefault((block.name, block.kind), len(names))
        of_row[block.start : block.start + block.rows] = number
    return list(names), of_row
