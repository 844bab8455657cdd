"""The bank's layout: a macro without program vias, generated from a `BankSpec`.

Long lines (word lines, rails, bit lines, diffusion) are single rectangles of the bank's cell; contacts and
pads are arrays of a few small cells, so that 256 x 256 bits take a fraction of a second.
"""

__all__ = [
    "build_bank",
    "draw_array",
    "draw_precharge",
    "draw_precharge_gates",
    "draw_straps",
    "draw_taps",
    "program_bank",
    "write_layout",
]

from pathlib import Path

import klayout.db as db
import numpy as np

from base_chip.bank.canvas import Canvas
from base_chip.bank.cells import BankCells
from base_chip.bank.pins import bank_pins
from base_chip.bank.plan import BankPlan
from base_chip.bank.sites import SiteGrid
from base_chip.bank.spec import BankSpec


def build_bank(spec: BankSpec, layout: db.Layout | None = None) -> db.Layout:
    """Generate the unprogrammed bank.

    Args:
        spec: Size and options.
        layout: Layout to add the cells to; a new one if None.

    Returns:
        The layout, in which `spec.name` is the bank's cell, its lower left corner at the origin.
    """
    layout = layout if layout is not None else db.Layout()
    layout.dbu = spec.process.dbu
    plan = BankPlan(spec)
    top = Canvas(layout, spec.name, spec.process)
    cells = BankCells.draw(spec, layout)
    draw_array(plan, top, cells)
    draw_taps(plan, top, cells)
    draw_precharge(plan, top, cells)
    draw_precharge_gates(plan, top, cells)
    draw_straps(plan, top, cells)
    _draw_pins(plan, top, cells)
    top.rect("prBoundary", 0, 0, plan.width, plan.height)
    return layout


def program_bank(layout: db.Layout, spec: BankSpec, bits: np.ndarray) -> None:
    """Draw the program vias of a bank into its own cell, to check a bank by itself.

    Args:
        layout: A layout with the bank's cell.
        spec: The bank.
        bits: bool [word_lines, bit_lines]; a set bit becomes a via, which pulls its bit line low.
    """
    sites = SiteGrid.of(spec)
    half = sites.via // 2
    shapes = layout.cell(spec.name).shapes(layout.layer(*spec.process.layers["via2"]))
    for x, y in sites.centres(bits).tolist():
        shapes.insert(db.Box(x - half, y - half, x + half, y + half))


def write_layout(layout: db.Layout, path: Path) -> None:
    """Write GDS, or OASIS if the suffix is .oas; the same layout gives the same bytes (no time stamps)."""
    options = db.SaveLayoutOptions()
    options.format = "OASIS" if path.suffix == ".oas" else "GDS2"
    options.gds2_write_timestamps = False
    layout.write(str(path), options)


def draw_array(plan: BankPlan, top: Canvas, cells: BankCells) -> None:
    d, across = plan.dims, plan.array_x
    beside = d.channel // 2 + d.implant
    for y in plan.block_y:
        ends = y - d.diff_end, y + plan.block_span + d.diff_end
        for x in plan.bit_x:
            top.column("diff", x, ends, d.channel)
        left, right = plan.bit_x[0] - beside, plan.bit_x[-1] + beside
        top.rect("nsdm", left, ends[0] - d.implant, right, ends[1] + d.implant)
    for word, y in enumerate(plan.word_y):
        top.row("poly", (plan.word_pad_x[word % 2], across[1]), y, d.gate)
    for y in plan.dummy_y:
        top.row("poly", across, y, d.gate)
    for y in plan.source_y:
        top.row("met1", across, y, d.source_rail)
    for x in plan.bit_x:
        top.column("met3", x, (plan.bit_line_bottom, plan.bit_line_top), d.bit_line)
    top.array(cells.source, plan.bit_x, plan.source_y)
    top.array(cells.drain, plan.bit_x, plan.drain_y)


def draw_taps(plan: BankPlan, top: Canvas, cells: BankCells) -> None:
    d, (left, right) = plan.dims, plan.array_x
    columns = np.arange(left + d.column_pitch // 2, right, d.column_pitch)
    top.array(cells.ptap, columns, plan.tap_y)
    top.array(cells.ntap, columns, [plan.ntap_y])


def draw_precharge(plan: BankPlan, top: Canvas, cells: BankCells) -> None:
    d, across, nodes = plan.dims, plan.array_x, plan.pre_node_y
    ends = nodes[0] - d.diff_end, nodes[-1] + d.diff_end
    top.rect("nwell", across[0] - d.nwell, plan.nwell_y[0], across[1] + d.nwell, plan.nwell_y[1])
    for x in plan.bit_x:
        top.column("diff", x, ends, d.channel)
    # p-implant group by group: it must keep clear of the poly contacts in the strap columns (licon.9).
    # It reaches down to the implant of the substrate taps, as the gap would be too narrow.
    beside = d.channel // 2 + d.implant
    for first, last in plan.groups:
        x0, x1 = plan.bit_x[first] - beside, plan.bit_x[last - 1] + beside
        top.rect("psdm", x0, plan.tap_y[-1], x1, ends[1] + d.implant)
    for y in plan.pre_gate_y:
        top.row("poly", across, y, d.gate)
    for y in nodes[::2]:
        top.row("met1", across, y, d.source_rail)
    top.array(cells.supply, plan.bit_x, nodes[::2])
    top.array(cells.precharge, plan.bit_x, nodes[1::2])
    top.rect("met3", across[0], plan.rail_y[0], across[1], plan.rail_y[1])
    top.array(cells.strap, plan.bit_x, [plan.ntap_y])


def draw_precharge_gates(plan: BankPlan, top: Canvas, cells: BankCells) -> None:
    """PRE_N: met2 over the second supply row, down to the gates at every strap column.

    The supply comes from met3 to the first and the last row; met1 joins the rows from the second on.
    """
    d, nodes, gates = plan.dims, plan.pre_node_y, plan.pre_gate_y
    left = plan.word_pad_x[0] - d.met2_pad[0] // 2
    top.row("met2", (left, plan.array_x[1]), nodes[2], d.met2_pad[1])
    for x in plan.strap_x:
        top.column("poly", x, (gates[0] - d.gate // 2, gates[-1] + d.gate // 2), d.poly_pad[0])
        top.pad("via", x, nodes[1], d.via1)
        top.column("met2", x, (nodes[1] - d.met2_pad[1] // 2, nodes[2]), d.met2_pad[0])
        top.column("met1", x, (nodes[2], nodes[-1]), d.met1_pad[0])
        top.column("met3", x, (nodes[0] - d.bit_line // 2, plan.rail_y[1]), d.bit_line)
    top.array(cells.gate, plan.strap_x, [nodes[1]])
    top.array(cells.strap, plan.strap_x, [nodes[0], nodes[-1]])


def draw_straps(plan: BankPlan, top: Canvas, cells: BankCells) -> None:
    """Ground in every strap column: met1 over the dummy gates' contacts, and met3 up to met4.

    A word line discharges up to a group of bit lines into one source rail; the strap columns spread
    that current over all rails. The supply's met4 lies in the middle of each group.
    """
    d = plan.dims
    low, high = plan.tap_y[0], plan.tap_y[-1]
    for x in plan.strap_x:
        top.column("met1", x, (low, high), d.met1_pad[0])
        top.column("met3", x, (low - d.bit_line // 2, high + d.bit_line // 2), d.bit_line)
    top.array(cells.gate, plan.strap_x, plan.dummy_y)
    top.array(cells.via3, plan.strap_x, plan.dummy_y)
    top.array(cells.strap, plan.strap_x, plan.source_y)
    top.array(cells.strap, plan.strap_x, plan.tap_y)
    reach = (d.strap - d.via3 - 2 * d.via3_met3) // (2 * d.via3_pitch) * d.via3_pitch
    offsets = np.arange(-reach, reach + 1, d.via3_pitch)
    for x in plan.supply_x:
        top.array(cells.via3, x + offsets, sum(plan.rail_y) // 2 + offsets)


def _draw_pins(plan: BankPlan, top: Canvas, cells: BankCells) -> None:
    d = plan.dims
    for pin in bank_pins(plan):
        for rect in pin.rects:
            top.pin(rect.layer, pin.name, rect.x0, rect.y0, rect.x1, rect.y1)
    for parity in (0, 1):
        top.array(cells.gate, [plan.word_pad_x[parity]], plan.word_y[parity::2])
    # one npc over a block's contacts, as single ones would be too close (npc.2)
    reach = d.contact // 2 + d.npc
    left, right = plan.word_pad_x[1] - reach, plan.word_pad_x[0] + reach
    for block in plan.word_y.reshape(-1, plan.block_rows):
        top.rect("npc", left, block[0] - reach, right, block[-1] + reach)
    top.pad("via", plan.word_pad_x[0], plan.pre_node_y[2], d.via1)
    top.pad("met1", plan.word_pad_x[0], plan.pre_node_y[2], d.met1_pad)
    for x in plan.bit_x:
        top.pad("via2", x, plan.bit_pin_via_y, d.via2)
