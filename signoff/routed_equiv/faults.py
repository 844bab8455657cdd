"""Faults planted in a routed netlist: a comparison that does not find them proves nothing."""

__all__ = ["FAULTS"]

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from signoff.routed_equiv.flat import Flat, FlatCell
from signoff.routed_equiv.function import functions, role, table
from signoff.timing.cells import Cell

Cells = Mapping[str, Cell]
PLANTED = "planted_inverter"


def _swapped(flat: Flat, cells: Cells) -> Flat | None:
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
                return _with(flat, name, replace(cell, nets=changed))
    return None


def _inverted(flat: Flat, cells: Cells) -> Flat | None:
    """Put an inverter before a pin."""
    kind = next((c for c in cells.values() if role(c) == "inverter"), None)
    if kind is None:
        return None
    for name, cell in _gates(flat, cells):
        for pin in cells[cell.kind].inputs:
            if pin in cell.nets:
                changed = _with(flat, name, replace(cell, nets={**cell.nets, pin: PLANTED}))
                (out,) = kind.outputs
                nets = {kind.inputs[0]: cell.nets[pin], out: PLANTED}
                return _with(changed, PLANTED, FlatCell(kind.name, nets))
    return None


def _replaced(flat: Flat, cells: Cells) -> Flat | None:
    """Put a gate in the place of one with the same pins and another function."""
    for name, cell in _gates(flat, cells):
        old = cells[cell.kind]
        for new in cells.values():
            if new.inputs == old.inputs and new.outputs.keys() == old.outputs.keys() and role(new) == "logic":
                same = {pin: (pin, False) for pin in old.inputs}
                pairs = [(old.outputs[pin], new.outputs[pin]) for pin in old.outputs]
                if any(table(a, same, old.inputs) != table(b, same, old.inputs) for a, b in pairs):
                    return _with(flat, name, replace(cell, kind=new.name))
    return None


FAULTS: Mapping[str, Callable[[Flat, Cells], Flat | None]] = {
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
