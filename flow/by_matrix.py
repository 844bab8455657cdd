"""A copy of a chip whose program vias lie on a layer per matrix, so that a viewer colours them apart."""

__all__ = ["BlockLayer", "write_by_matrix"]

from dataclasses import dataclass
from pathlib import Path

import klayout.db as kdb
import numpy as np

from flow.report.figures import CATEGORIES, category
from flow.stitching.owners import Owners
from metal_configs.sitemap import SiteMap
from rtl_gen.errors import FlowError
from signoff.picture import MODEL
from signoff.readback import read_layout


@dataclass(frozen=True)
class BlockLayer:
    """Where the vias of a matrix, table or the program are drawn.

    Attributes:
        name: As the compiler names it, with its kind.
        layer: GDS layer and datatype of the copy.
        colour: 0xRRGGBB, that of the report's map of the ROMs.
        vias: On the layer.
    """

    name: str
    layer: tuple[int, int]
    colour: int
    vias: int


def write_by_matrix(chip: Path, target: Path, sites: SiteMap, whose: Owners) -> list[BlockLayer]:
    """Write the copy as OASIS; only for looking at, as no mask has these layers.

    Args:
        chip: Layout of a die with a model's vias.
        target: File to write.
        sites: Where each bit of its ROM macros lies.
        whose: What each of these bits is of.

    Returns:
        A layer for each of `whose.names` that has a via, in their order.

    Raises:
        FlowError: A via of the model lies on no site, or on one of no matrix.
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
    place = sites.locate(points)
    owner = np.where(place[0] < 0, -1, whose.of[place])
    if lost := int((owner < 0).sum()):
        raise FlowError(
            f"{lost} vias lie on no site of the base, or on one of no matrix", where=str(chip),
            hint="What `compile` left and the chip are of different builds: build it again.",
        )  # fmt: skip
    out = []
    top = layout.top_cell()
    for number, (name, kind) in enumerate(whose.names):
        mine = np.flatnonzero(owner == number)
        if not len(mine):
            continue
        shapes = top.shapes(layout.layer(free, number))
        for n in mine:
            shapes.insert(boxes[n])
        colour = int(CATEGORIES[category(name, kind)][1:], 16)
        out.append(BlockLayer(f"{name} ({kind})", (free, number), colour, len(mine)))
    options = kdb.SaveLayoutOptions()
    options.format = "OASIS"
    layout.write(str(target), options)
    return out
