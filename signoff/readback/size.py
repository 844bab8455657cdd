"""Refuse layouts whose arrays unfold to more shapes than a chip can hold.

A few damaged bytes in an array can stand for billions of shapes, and flattening them would take hours.
"""

__all__ = ["check_size"]

from collections import defaultdict

import klayout.db as kdb

from rtl_gen.errors import FlowError
from signoff.readback.grid import BANK
from signoff.readback.shapes import VIA2

PER_SITE = 100  # shapes; a bank has about 20 for each site
BANKS = 1 << 16


def check_size(layout: kdb.Layout) -> None:
    """Raise FlowError if the chip has too many banks, or too many shapes in a bank, or too many vias."""
    banks = [c for c in layout.each_cell() if BANK.fullmatch(c.name)]
    copies = _copies(layout, layout.top_cell())
    number = sum(copies[c.cell_index()] for c in banks)
    if number > BANKS:
        raise FlowError(f"{number} banks, expected at most {BANKS}")
    sites = 0
    for bank in banks:
        match = BANK.fullmatch(bank.name)
        assert match
        size = (int(match[2]) + 64) * (int(match[3]) + 64)
        within = _copies(layout, bank)
        shapes = sum(n * _shapes(layout, layout.cell(c)) for c, n in within.items())
        if shapes > PER_SITE * size:
            raise FlowError(f"{shapes} shapes in {bank.name}, expected at most {PER_SITE * size}")
        sites += size * copies[bank.cell_index()]
    index = layout.find_layer(*VIA2)
    if index is not None and banks:
        vias = sum(n * layout.cell(c).shapes(index).size() for c, n in copies.items())
        if vias > PER_SITE * sites:
            raise FlowError(f"{vias} vias, expected at most {PER_SITE * sites}")


def _copies(layout: kdb.Layout, root: kdb.Cell) -> dict[int, int]:
    """How often each cell stands in a cell, by cell index."""
    copies: dict[int, int] = defaultdict(int)
    copies[root.cell_index()] = 1
    for index in layout.each_cell_top_down():
        if copies.get(index):
            for instance in layout.cell(index).each_inst():
                copies[instance.cell_index] += copies[index] * max(instance.na, 1) * max(instance.nb, 1)
    return copies


def _shapes(layout: kdb.Layout, cell: kdb.Cell) -> int:
    return sum(cell.shapes(i).size() for i in layout.layer_indexes())
