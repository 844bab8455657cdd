"""The layout of an SRAM macro, generated from its spec."""

__all__ = ["build_sram"]

import klayout.db as db

from base_chip.arrays.gates import P2, Y2
from base_chip.arrays.pen import Pen
from base_chip.arrays.sram import cell, column, driver
from base_chip.arrays.sram.control import draw_control, line_y
from base_chip.arrays.sram.pins import macro_pins
from base_chip.arrays.sram.plan import SramPlan
from base_chip.arrays.sram.spec import BYTE, SramSpec

_MIRRORED = {
    (False, False): db.Trans.R0,
    (True, False): db.Trans.M90,
    (False, True): db.Trans.M0,
    (True, True): db.Trans.R180,
}


def build_sram(spec: SramSpec, layout: db.Layout | None = None) -> db.Layout:
    """Generate the macro.

    Args:
        spec: Its size.
        layout: Layout to add the cells to; a new one if None.

    Returns:
        The layout, in which `spec.name` is the macro's cell, its lower left corner at the origin.
    """
    layout = layout if layout is not None else db.Layout()
    pdk = spec.array.process
    layout.dbu = pdk.dbu
    plan = SramPlan(spec)
    top, edge = Pen(layout, spec.name, pdk), Pen(layout, f"{spec.name}_edge", pdk)
    _draw_array(plan, top)
    _draw_drivers(plan, edge)
    _draw_feet(plan, edge)
    _draw_straps(plan, edge)
    # One flat cell: design rules of wells and implants hold for the whole, not for its parts.
    edge.cell.flatten(True)
    top.array(edge, [0], [0])
    for pin in macro_pins(plan):
        for rect in pin.rects:
            top.pin(rect.layer, pin.name, rect.x0, rect.y0, rect.x1, rect.y1)
    top.rect("prBoundary", 0, 0, plan.width, plan.height)
    for name in [c.name for c in layout.each_cell()]:
        unused = layout.cell(name)
        if name.startswith(f"{spec.name}_") and unused is not None and not unused.parent_cells():
            layout.prune_cell(unused.cell_index(), -1)
    return layout


def _place(parent: Pen, child: Pen, x: int, y: int, across: bool = False, up: bool = False) -> None:
    """With the lower left corner of what is placed at (x, y) if it is not mirrored, else its other corner."""
    trans = db.Trans(_MIRRORED[across, up], int(x), int(y))
    parent.cell.insert(db.CellInstArray(child.cell.cell_index(), trans))


def _draw_array(plan: SramPlan, top: Pen) -> None:
    name, bits = plan.spec.name, plan.spec.bits
    bit, taps = (draw(top.layout, name, top.pdk) for draw in (cell.draw_bit, cell.draw_tap))
    blocks = {}
    for rows in sorted({rows for _, rows in plan.blocks}):
        # a column of a block with the taps below it: wells have their taps in the same cell
        blocks[rows] = block = Pen(top.layout, f"{name}_rows{rows}", top.pdk)
        _place(block, taps, 0, -cell.TAP_HEIGHT)
        for row in range(rows):
            mirrored = row % 2 == 1
            _place(block, bit, 0, (row + mirrored) * cell.HEIGHT, up=mirrored)
        block.cell.flatten(False)
    for child, y in (*((blocks[rows], y) for y, rows in plan.blocks), (taps, plan.tap_y[-1])):
        for across in (False, True):
            x = plan.column_x(2 if across else 0)
            trans = db.Trans(_MIRRORED[across, False], x, y)
            step = db.Vector(2 * cell.WIDTH, 0), db.Vector(0, 0)
            top.cell.insert(db.CellInstArray(child.cell.cell_index(), trans, *step, bits // 2, 1))


def _draw_drivers(plan: SramPlan, c: Pen) -> None:
    name, x = plan.spec.name, plan.driver_x
    rows = [driver.draw_row(c.layout, name, c.pdk, mirrored) for mirrored in (False, True)]
    for n, y in enumerate(plan.driver_y):
        mirrored = n % 2 == 1
        _place(c, rows[mirrored], x, y + (driver.HEIGHT if mirrored else 0), up=mirrored)
        for line, a in driver.A_X:
            if (a >= driver.ROWS) == mirrored:
                c.to_met2(x + line, y + (driver.HEIGHT - Y2 if mirrored else Y2))
    for y in plan.driver_y[:: driver.IN_GROUP]:
        for b in driver.B_X:
            c.vline("met3", x + b, y + Y2, y + 2 * driver.HEIGHT - Y2, 330)
    ground, high = plan.ground_y, plan.driver_y[-1] + driver.HEIGHT
    for line, a in driver.A_X:
        c.vline("met2", x + line, ground + line_y(a), high)
    for line in driver.CLOCK_X.values():
        c.vline("met2", x + line, ground + P2, high)
    _place(c, draw_control(c.layout, name, c.pdk), x, ground)


def _draw_feet(plan: SramPlan, c: Pen) -> None:
    name, ground, bits = plan.spec.name, plan.ground_y, plan.spec.bits
    feet = [column.draw_foot(c.layout, name, c.pdk, first) for first in (False, True)]
    for n in range(bits):
        across = n % 2 == 1
        _place(c, feet[n % BYTE == 0], plan.column_x(n + across), ground, across=across)
    for n in range(0, bits, BYTE):
        y = ground + column.WRITE_Y
        ends = plan.at(n, column.INPUT_X), plan.at(n + BYTE - 1, column.INPUT_X)
        c.hline("met1", *ends, y)
        c.to_met2(plan.at(n, column.WRITE_X), y)


def _draw_straps(plan: SramPlan, c: Pen) -> None:
    """From met4 down to the rows of taps, and to the drivers' rails."""
    for name, y in (("VGND", cell.TAP_GROUND_Y), ("VPWR", cell.TAP_POWER_Y)):
        for x in plan.strap_x[name]:
            for tap in plan.tap_y:
                for dx in (-200, 200):
                    c.pad("via2", x + dx, tap + y, 200)
                c.rect("met2", x - 400, tap + y - 200, x + 400, tap + y + 200)
                _up(c, x, tap + y)
    for n, y in enumerate(plan.driver_y):
        mirrored = n % 2 == 1
        for name, at in (
            ("VGND", y + driver.HEIGHT * mirrored),
            ("VPWR", y + driver.HEIGHT * (not mirrored)),
        ):
            x = plan.driver_strap_x[name]
            c.stack(x, at)
            _up(c, x, at)


def _up(c: Pen, x: int, y: int) -> None:
    c.rect("met3", x - 400, y - 200, x + 400, y + 200)
    for dx in (-200, 200):
        c.pad("via3", x + dx, y, 200)
