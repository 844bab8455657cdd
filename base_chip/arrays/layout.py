"""The layout of a ROM macro, generated from its spec."""

__all__ = ["build_rom", "program_rom", "rom_sites"]

import klayout.db as db
import numpy as np

from base_chip.arrays import control, driver
from base_chip.arrays.control import ControlCells
from base_chip.arrays.driver import DriverCells
from base_chip.arrays.foot import FEET, draw_strap_taps, foot_wires
from base_chip.arrays.latch import LEVELS, P_WELL, ROW, up
from base_chip.arrays.pen import Pen
from base_chip.arrays.pins import macro_pins
from base_chip.arrays.plan import RomPlan
from base_chip.arrays.spec import RomSpec
from base_chip.bank.cells import BankCells
from base_chip.bank.layout import draw_array, draw_precharge, draw_precharge_gates, draw_straps, draw_taps
from base_chip.bank.sites import SiteGrid

BAR = -3000, -1400  # met4 of the supply across the latches, from the uppermost rail


def build_rom(spec: RomSpec, layout: db.Layout | None = None) -> db.Layout:
    """Generate the unprogrammed macro.

    Args:
        spec: Its size.
        layout: Layout to add the cells to; a new one if None.

    Returns:
        The layout, in which `spec.name` is the macro's cell, its lower left corner at the origin.
    """
    layout = layout if layout is not None else db.Layout()
    array, pdk = spec.array, spec.array.process
    layout.dbu = pdk.dbu
    plan = RomPlan(array)
    top, edge = Pen(layout, spec.name, pdk), Pen(layout, f"{spec.name}_edge", pdk)
    cells = BankCells.draw(array, layout)
    for draw in (draw_array, draw_taps, draw_precharge, draw_precharge_gates, draw_straps):
        draw(plan, top, cells)
    _draw_drivers(plan, edge, spec.name)
    _draw_latches(plan, edge, spec)
    _draw_control(plan, edge, spec)
    _draw_wells(plan, edge)
    _draw_supplies(plan, edge)
    # One flat cell: design rules of wells and implants hold for the whole, not for its parts.
    edge.cell.flatten(True)
    top.array(edge, [0], [0])
    for pin in macro_pins(plan, spec):
        for rect in pin.rects:
            top.pin(rect.layer, pin.name, rect.x0, rect.y0, rect.x1, rect.y1)
    top.rect("prBoundary", 0, 0, plan.width, plan.height)
    for cell in [
        c for c in layout.each_cell() if c.name.startswith(f"{spec.name}_") and not c.parent_cells()
    ]:
        layout.prune_cell(cell.cell_index(), -1)
    return layout


def rom_sites(spec: RomSpec) -> SiteGrid:
    """The via sites of a macro, which writers and readers of vias share."""
    plan = RomPlan(spec.array)
    return SiteGrid(spec.name, "via2", plan.bit_x, plan.drain_y, plan.dims.via2)


def program_rom(layout: db.Layout, spec: RomSpec, bits: np.ndarray) -> None:
    """Draw the program vias of a macro into its own cell, to check a macro by itself.

    Args:
        layout: A layout with the macro's cell.
        spec: The macro.
        bits: bool [words, bits]; a set bit becomes a via.
    """
    sites = rom_sites(spec)
    half = sites.via // 2
    shapes = layout.cell(spec.name).shapes(layout.layer(*spec.array.process.layers["via2"]))
    for x, y in sites.centres(bits).tolist():
        shapes.insert(db.Box(x - half, y - half, x + half, y + half))


def _place(parent: Pen, child: Pen, x: int, y: int, mirrored: bool) -> None:
    turn = db.Trans.M0 if mirrored else db.Trans.R0
    parent.cell.insert(db.CellInstArray(child.cell.cell_index(), db.Trans(turn, int(x), int(y))))


def _draw_drivers(plan: RomPlan, c: Pen, name: str) -> None:
    cells = DriverCells.draw(c.layout, name, c.pdk)
    x = plan.driver_x
    c.array(cells.group, [x], plan.group_y)
    c.array(cells.tap, [x], plan.tap_y)
    c.array(cells.link, [x], plan.tap_y[1:])
    for y in plan.group_y:
        for pair in range(driver.GROUP_ROWS // 2):
            base = int(y) + pair * driver.PAIR
            c.to_met2(x + driver.LINES[0][pair], base + driver.TRACK_E)
            c.to_met2(x + driver.LINES[1][pair], base + driver.TRACK_O)
        c.rect("met3", 0, y + driver.BAR_Y - 165, x, y + driver.BAR_Y + 165)
    low, high = plan.tap_y[0], plan.tap_y[-1]
    for line in (driver.VPWR_X, *driver.VGND_X):
        c.rect("met2", x + line - 130, low - 160, x + line + 130, high + 160)
    rails = plan.rails
    for lines, ends in zip(driver.LINES, control.line_ends(rails), strict=True):
        for line, end in zip(lines, ends, strict=True):
            c.vline("met2", x + line, end, high)
    pre = plan.pre_node_y[2]
    c.vline("met2", x + driver.PRE_N_X, control.precharge_from(rails), pre)
    c.hline("met2", x + driver.PRE_N_X, plan.word_pad_x[0], pre, plan.dims.met2_pad[1])


def _draw_latches(plan: RomPlan, c: Pen, spec: RomSpec) -> None:
    pitch, foot = plan.dims.column_pitch, FEET[spec.mux]
    groups = plan.bit_x[::LEVELS] - pitch // 2
    for level in range(LEVELS):
        latch = foot.draw(c.layout, spec.name, c.pdk, level, pitch)
        first, taps = (draw_strap_taps(c.layout, spec, c.pdk, level, pitch, left) for left in (True, False))
        y, mirrored = plan.ground(level), level % 2 == 1
        for x in groups:
            _place(c, latch, x, y, mirrored)
        for x in plan.strap_x:
            _place(c, taps if x > plan.strap_x0 else first, x, y, mirrored)
    for x in groups:
        foot.join(c, int(x), plan.rails)
    c.rect("psdm", plan.bit_x[0] - pitch // 2 + 10, plan.rails[0], plan.array_x[1], plan.tap_y[0])
    half = plan.dims.bit_line // 2
    for bit, x in enumerate(plan.bit_x):
        end = plan.in_row(bit % LEVELS, foot.bit_y)
        c.rect("met3", x - half, end - half, x + half, plan.bit_line_bottom)
    for wire in foot_wires(plan, spec):
        c.rect("met3", wire.x - half, 0, wire.x + half, wire.end + half)
        if wire.direction == "INPUT":
            up(c, wire.x, wire.end, 0)


def _draw_control(plan: RomPlan, c: Pen, spec: RomSpec) -> None:
    x, right = plan.driver_x, plan.strap_x0 - plan.dims.column_pitch // 2
    lines = FEET[spec.mux].lines
    cells = ControlCells.draw(c.layout, spec.name, c.pdk, right - x, lines)
    for n, row in enumerate(cells.rows):
        _place(c, row, x, plan.ground(n), n % 2 == 1)
    control.links(c, x, plan.rails, lines)
    # the supply of the drivers, down to the uppermost rail
    c.vline("met1", x + 2600, plan.rails[0], plan.tap_y[0])


def _draw_wells(plan: RomPlan, c: Pen) -> None:
    left, right = plan.driver_x - driver.LEFT_OF_DRIVER, plan.array_x[1]
    rails = plan.rails
    edge = P_WELL
    for top, bottom in (
        (rails[0], rails[1] + edge),
        (rails[1] - edge, rails[3] + edge),
        (rails[3] - edge, rails[4]),
    ):
        c.rect("nwell", left, bottom, right, top)
    half = ROW // 10 * 5  # of a row, on the grid
    c.rect("nwell", left, rails[0] - half, plan.driver_x + driver.WELL, plan.nwell_y[1])
    c.rect("nwell", left, plan.nwell_y[0], plan.array_x[0], plan.nwell_y[1])


def _draw_supplies(plan: RomPlan, c: Pen) -> None:
    """From met4 down to the rails of the latches, and to the drivers."""
    half, rails = plan.dims.bit_line // 2, plan.rails
    for n, x in enumerate(plan.strap_x):
        ends = (rails[4], rails[1] + 2 * ROW - 1000) if n % 2 else (rails[3], plan.tap_y[0])
        for y in rails[2::2] if n % 2 else rails[1::2]:
            c.stack(x, y, tall=True)
        low, high = ends[0] - half, (rails[0] - 600) if n % 2 else ends[1]
        c.rect("met3", x - half, low, x + half, high)
        where = rails[0] + BAR[0] + 400 if n % 2 else rails[2] - 400
        for k in range(3):
            c.pad("via3", x, where + 400 * k, plan.dims.via3)
        if n % 2:
            beside = [s for s in plan.supply_x if abs(s - x) < plan.strap_x[1] - plan.strap_x[0]]
            reach = plan.dims.strap // 2
            left, right = min([*beside, x]) - reach, max([*beside, x]) + reach
            c.rect("met4", left, rails[0] + BAR[0], right, rails[0] + BAR[1])
    x = plan.driver_x + 250
    for y in plan.tap_y:
        c.stack(x, y)
        c.rect("met3", x - 400, y - 200, x + 400, y + 200)
        for dx in (-200, 200):
            c.pad("via3", x + dx, y, plan.dims.via3)
