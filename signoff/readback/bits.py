"""From vias to bits: which places of which bank hold a via2."""

__all__ = ["Recovered", "recover"]

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import klayout.db as kdb
import numpy as np

from rtl_gen.errors import FlowError
from signoff.readback.grid import BANK, BankGrid, find_grid
from signoff.readback.shapes import VIA2, boxes, drawn
from signoff.readback.size import check_size


@dataclass(frozen=True, eq=False)
class Recovered:
    """What a layout's ROM holds.

    Attributes:
        bits: bool [banks, word_lines, bit_lines]; banks counted from the bottom up, then from the left.
        centres: int64 [banks, word_lines, bit_lines, 2], places of the bits in the chip, database units.
        unclear: int64 [n, 2], vias that lie on a bit's place in part only, or are not squares.
        grids: Grid of each kind of bank, by cell name.
    """

    bits: np.ndarray
    centres: np.ndarray
    unclear: np.ndarray
    grids: Mapping[str, BankGrid]

    def rows(self, mux: int) -> np.ndarray:
        """Logical rows, bool [rows, bits]; `mux` neighbouring bit lines hold one bit of as many rows."""
        banks, words, lines = self.bits.shape
        return self.bits.reshape(banks * words, lines // mux, mux).swapaxes(1, 2).reshape(-1, lines // mux)


def recover(layout: kdb.Layout, grids: Mapping[str, BankGrid] | None = None) -> Recovered:
    """Read all banks of a chip.

    Args:
        layout: The chip; its only top cell is read.
        grids: Grids found before in a layout with the same bank cells; they are found anew if None.

    Raises:
        FlowError: There is no bank, or a bank's layout cannot be followed.
    """
    try:
        check_size(layout)
        return _recover(layout, grids)
    except (RuntimeError, UnicodeDecodeError, MemoryError) as e:  # what klayout makes of a damaged file
        raise FlowError(f"the layout is damaged ({e})", hint="Build the chip again.") from e


def _recover(layout: kdb.Layout, grids: Mapping[str, BankGrid] | None) -> Recovered:
    placed = _placements(layout)
    cells = {cell.name: cell for cell, _ in placed}
    if len({size.groups()[1:] for name in cells if (size := BANK.fullmatch(name))}) != 1:
        raise FlowError(
            f"sizes of banks in {layout.top_cell().name}: {sorted(cells)}, expected one",
            hint="A chip holds equal banks in cells named scf_bank_<word lines>x<bit lines> or scf_rom_...",
        )
    grids = grids or {name: find_grid(layout, cell) for name, cell in cells.items()}
    vias = drawn(layout, layout.top_cell(), VIA2)
    squares, others = vias.rectangles, boxes(vias.others)
    bits, centres, unclear = [], [], []
    for cell, where in placed:
        grid = grids[cell.name]
        near, far = (_near(some, cell.bbox().transformed(where)) for some in (squares, others))
        found, partly = _read_bank(grid, _moved(near, where.inverted()))
        _, odd = _read_bank(grid, _moved(far, where.inverted()))
        bits.append(found)
        unclear += [near[partly], far[odd]]
        x, y = (a.sum(axis=1) // 2 for a in (grid.x, grid.y))
        points = np.stack(np.broadcast_arrays(x[None, :], y[:, None]), axis=-1).reshape(-1, 2)
        centres.append(_moved(np.hstack([points, points]), where)[:, :2].reshape(*found.shape, 2))
    left = np.concatenate(unclear)
    return Recovered(np.array(bits), np.array(centres), (left[:, :2] + left[:, 2:]) // 2, grids)


def _placements(layout: kdb.Layout) -> list[tuple[kdb.Cell, kdb.Trans]]:
    """Bank instances, from the bottom up, then from the left."""
    found = []
    for cell in layout.each_cell():
        for where in _places(layout, cell) if BANK.fullmatch(cell.name) else ():
            if where.is_complex():
                raise FlowError(f"bank {cell.name} is magnified or turned by other than 90 degrees: {where}")
            found.append((cell, where.s_trans()))

    def corner(item: tuple[kdb.Cell, kdb.Trans]) -> tuple[int, int]:
        box = item[0].bbox().transformed(item[1])
        return box.bottom, box.left

    return sorted(found, key=corner)


def _places(layout: kdb.Layout, cell: kdb.Cell) -> Iterator[kdb.ICplxTrans]:
    """Where a cell stands in the top cell: from it upwards, as most cells hold none of it."""
    if cell.is_top():
        yield kdb.ICplxTrans()
    for parent in cell.each_parent_inst():
        inside = list(parent.child_inst().cell_inst.each_cplx_trans())
        for above in _places(layout, layout.cell(parent.parent_cell_index())):
            yield from (above * within for within in inside)


def _moved(b: np.ndarray, where: kdb.Trans) -> np.ndarray:
    """Boxes [n, 4] after a transformation."""
    ex, ey, d = where * kdb.Vector(1, 0), where * kdb.Vector(0, 1), where.disp
    turn = np.array([[ex.x, ex.y], [ey.x, ey.y]])
    ends = [b[:, k : k + 2] @ turn + np.array([d.x, d.y]) for k in (0, 2)]
    return np.concatenate([np.minimum(*ends), np.maximum(*ends)], axis=1)


def _near(b: np.ndarray, box: kdb.Box) -> np.ndarray:
    """Those of some boxes [n, 4] that touch another."""
    x = (b[:, 0] <= box.right) & (b[:, 2] >= box.left)
    found: np.ndarray = b[x & (b[:, 1] <= box.top) & (b[:, 3] >= box.bottom)]
    return found


def _read_bank(grid: BankGrid, vias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bits of a bank, and which vias lie on a place only in part; `vias` in the bank's coordinates."""
    bit, in_x, on_x = _windows(grid.x, vias[:, 0], vias[:, 2])
    word, in_y, on_y = _windows(grid.y, vias[:, 1], vias[:, 3])
    whole = in_x & in_y
    bits = np.zeros((len(grid.y), len(grid.x)), bool)
    bits[word[whole], bit[whole]] = True
    return bits, np.flatnonzero(on_x & on_y & ~whole)


def _windows(windows: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, ...]:
    """For each interval: a window (the first that ends beyond its start), whether it lies in it, or on it."""
    order = np.argsort(windows[:, 0])
    at = np.minimum(np.searchsorted(windows[order, 1], low, side="right"), len(order) - 1)
    index = order[at]
    first, last = windows[index].T
    return index, (first <= low) & (high <= last), (first < high) & (low < last)
