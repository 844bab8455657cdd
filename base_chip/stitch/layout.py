"""The layout of a die of tiles: tiles side by side, and in the margin what no tile has."""

__all__ = ["stitch_layout"]

from collections.abc import Mapping
from pathlib import Path

import klayout.db as kdb

from base_chip.bank.pins import BankPin
from base_chip.pdk import Pdk
from base_chip.pdk.margin import Margin
from base_chip.stitch.margin import draw_margin
from base_chip.stitch.plan import StitchPlan
from rtl_gen.errors import FlowError


def stitch_layout(
    plan: StitchPlan, tiles: Mapping[str, Path], pdk: Pdk, margin: Margin | None
) -> tuple[kdb.Layout, tuple[BankPin, ...]]:
    """Lay a die out.

    Args:
        plan: The die, without faults (`faults_of`).
        tiles: GDS of each kind of tile; a cell that two of them have, such as one of the kit, is taken once.
        pdk: The process.
        margin: What the margin is made of; None for tiles without straps, with which it is left out.

    Returns:
        The layout, in which `plan.top` is the die, and the pins of the die, supplies last.

    Raises:
        FlowError: A layout cannot be read, does not hold the tile, or has another cell of the same name.
    """
    layout = kdb.Layout()
    layout.dbu = pdk.dbu
    options = kdb.LoadLayoutOptions()
    options.cell_conflict_resolution = kdb.LoadLayoutOptions.CellConflictResolution.SkipNewCell
    for kind, view in sorted({t.view.kind: t.view for t in plan.tiles}.items()):
        try:
            _check_same(layout, tiles[kind], kind)
            layout.read(str(tiles[kind]), options)
        except (KeyError, RuntimeError) as e:
            raise FlowError(f"no layout of tile {kind} ({e})", hint="Draw the tile again.") from e
        if layout.cell(view.cell) is None:
            raise FlowError(f"no cell {view.cell} in the layout of tile {kind}", where=str(tiles[kind]))
    top = layout.create_cell(plan.top)
    for tile in plan.tiles:
        index = layout.cell(tile.view.cell).cell_index()
        top.insert(kdb.CellInstArray(index, kdb.Trans(*tile.at)))
    top.shapes(layout.layer(*pdk.layers["prBoundary"])).insert(kdb.Box(0, 0, *plan.die))
    pins = draw_margin(plan, top, pdk, margin) if margin else ()
    for pin in pins:
        for rect in pin.rects:
            box = kdb.Box(rect.x0, rect.y0, rect.x1, rect.y1)
            top.shapes(layout.layer(*pdk.pins[rect.layer])).insert(box)
            text = kdb.Text(pin.name, kdb.Trans(box.center().x, box.center().y))
            top.shapes(layout.layer(*pdk.labels[rect.layer])).insert(text)
    return layout, pins


def _check_same(layout: kdb.Layout, path: Path, kind: str) -> None:
    """Raise FlowError when a cell of a file has the name of one that is there, and reaches elsewhere."""
    new = kdb.Layout()
    new.read(str(path))
    for cell in new.each_cell():
        known = layout.cell(cell.name)
        if known is not None and _reach(known) != _reach(cell):
            raise FlowError(
                f"cell {cell.name} of tile {kind} is another than that of a tile before it",
                where=str(path),
                hint="Harden both with the same kit and macros.",
            )


def _reach(cell: kdb.Cell) -> dict[str, str]:
    """What a cell covers, by layer."""
    layout = cell.layout()
    boxes = {str(layout.get_info(n)): cell.bbox(n) for n in layout.layer_indexes()}
    return {layer: str(box) for layer, box in boxes.items() if not box.empty()}
