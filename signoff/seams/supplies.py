"""The power grid of a die of tiles: every strap goes on from tile to tile, from edge to edge."""

__all__ = ["run"]

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import klayout.db as kdb

from signoff.assembly.rows import rows
from signoff.chip.wiring import Stack
from signoff.result import CheckResult
from signoff.seams.die import Die
from signoff.seams.plant import Planted
from signoff.supplies import check_supplies


def run(layout: kdb.Layout, planted: Planted, die: Die, stack: Stack, folder: Path) -> list[CheckResult]:
    """Check that each supply's straps are one piece of metal on the two uppermost layers, none with a gap.

    Args:
        layout: The die.
        planted: A copy with a strap cut at a seam.
        die: What it should be.
        stack: The process.
        folder: For the reports.

    Returns:
        The rows `seam_supplies` and `seam_supplies_control`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    upper = replace(stack, joins=stack.joins[-2:])
    wanted = _wanted(die, upper)
    faults, lost = check_supplies(_metal(layout, die.top, upper), wanted, upper)
    told = faults + [str(piece) for piece in lost]
    count = sum(map(len, wanted.values()))
    good = (
        f"{count} straps of {' and '.join(sorted(wanted))} in {len(die.stands)} tiles, each supply one piece"
    )
    missed = kdb.Region()
    for piece in check_supplies(_metal(planted.layout, die.top, upper), wanted, upper)[1]:
        missed.insert(piece.box)
    found = [what for what, box in planted.supplies.items() if not (missed & kdb.Region(box)).is_empty()]
    return rows("seam_supplies", told, good, {what: what for what in planted.supplies}, found, folder)


def _wanted(die: Die, stack: Stack) -> dict[str, tuple[tuple[str, kdb.Box], ...]]:
    """Straps of all tiles, in the die."""
    found: dict[str, list[tuple[str, kdb.Box]]] = defaultdict(list)
    for stand in die.stands.values():
        for supply, wires in die.routed[stand.cell].supply_wires.items():
            found[supply] += [
                (layer, box.moved(*stand.at)) for layer, box in wires if layer in stack.wires[1:]
            ]
    return {supply: tuple(shapes) for supply, shapes in found.items()}


def _metal(layout: kdb.Layout, top: str, stack: Stack) -> kdb.Layout:
    """The two uppermost wires and what joins them, flat, with the die's own labels."""
    metal = kdb.Layout()
    metal.dbu = layout.dbu
    cell, source = metal.create_cell(top), layout.cell(top)
    for name in stack.joins[-1]:
        layer = stack.layers[name]
        whole = kdb.Region(source.begin_shapes_rec(layout.layer(*layer))).merged()
        cell.shapes(metal.layer(*layer)).insert(whole)
    for name in (stack.joins[-1][0], stack.joins[-1][2]):
        layer = stack.labels[name]
        for shape in source.shapes(layout.layer(*layer)).each(kdb.Shapes.STexts):
            cell.shapes(metal.layer(*layer)).insert(shape)
    return metal
