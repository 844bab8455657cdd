"""Faults planted in a routed netlist: a comparison that does not find them proves nothing."""

__all__ = ["FAULTS"]

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from signoff.routed_equiv.flat import Flat, FlatCell
from signoff.routed_equiv.function import functions, role, table
from signoff.timing.cells import Cell

Cells = Mapping[str, Cell]
Planted = tuple[Flat, Cells]
PLANTED = "planted"


def _swapped(flat: Flat, cells: Cells) -> Planted | None:
    """Swap the nets of two pins that are not alike."""
    for name, cell in _gates(flat, cells):
        pins = cells[cell.kind].inputs
        sources = {pin: (pin, False) for pin in pins}
        for e in functions(cells[cell.kind]).values():
            for a, b in itertools.pairwise(pins):
                turned = {**sources, a: sources[b], b: sources[a]}
                nets = cell.nets.get(a), cell.nets.get(b)
                if None in nets or nets[0] == nets[1] or table(e, sources, pins) == table(e, turned, pins):
                    continue
                changed = {**cell.nets, a: cell.nets[b], b: cell.nets[a]}
                return _with(flat, name, replace(cell, nets=changed)), cells
    return None


def _inverted(flat: Flat, cells: Cells) -> Planted | None:
    """Put an inverter before a pin."""
    inverter = Cell(PLANTED, ("A",), {"Y": ("not", "A")})
    for name, cell in _gates(flat, cells):
        for pin in cells[cell.kind].inputs:
            if pin in cell.nets:
                changed = _with(flat, name, replace(cell, nets={**cell.nets, pin: PLANTED}))
                added = FlatCell(PLANTED, {"A": cell.nets[pin], "Y": PLANTED})
                return _with(changed, PLANTED, added), {**cells, PLANTED: inverter}
    return None


def _replaced(flat: Flat, cells: Cells) -> Planted | None:
    """Put a gate in the place of one that does the inverse."""
    for name, cell in _gates(flat, cells):
        outputs = {pin: ("not", e) for pin, e in cells[cell.kind].outputs.items()}
        wrong = replace(cells[cell.kind], name=PLANTED, outputs=outputs)
        return _with(flat, name, replace(cell, kind=PLANTED)), {**cells, PLANTED: wrong}
    return None


# How to plant each, in a netlist and what its kinds of cell do; None where there is no place for it
FAULTS: Mapping[str, Callable[[Flat, Cells], Planted | None]] = {
    "two swapped inputs of a gate": _swapped,
    "an inverter too many": _inverted,
    "a gate of another function": _replaced,
}


def _gates(flat: Flat, cells: Cells) -> Iterator[tuple[str, FlatCell]]:
    """Gates from the midst of the netlist on."""
    found = [(n, c) for n, c in flat.cells.items() if c.kind in cells and role(cells[c.kind]) == "logic"]
    middle = len(found) // 2
    yield from found[middle:]
    yield from found[:middle]


def _with(flat: Flat, name: str, cell: FlatCell) -> Flat:
    return replace(flat, cells={**flat.cells, name: cell})
