"""The inside of a bank as it lies on the chip: every transistor on its word line, bit line and supply.

Each word line, bit line and supply has its name from its pin alone. Where one is cut, what is behind the cut
is on a net without that name, and its transistors are missing from those that the netlist has.
"""

__all__ = ["BankStack", "bank", "check_bank", "read_transistors"]

import itertools
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import klayout.db as kdb
import numpy as np

from rtl_gen.errors import FlowError
from signoff.assembly.rows import rows
from signoff.chip.wiring import Stack
from signoff.result import CheckResult

NAME = "bank"
NAMELESS = "$"
Transistor = tuple[str, str, tuple[str, str], int, int]  # model, gate, source and drain, width, length (nm)


@dataclass(frozen=True)
class BankStack:
    """A process as a bank uses it: its wires, and the models of transistors outside and inside of n-wells."""

    stack: Stack
    nfet: str
    pfet: str


def bank(
    layout: kdb.Layout,
    name: str,
    sites: np.ndarray,
    size: int,
    netlist: str,
    process: BankStack,
    folder: Path,
) -> list[CheckResult]:
    """Compare a bank, as it would be with a via at every site, with its netlist.

    Taps, wells and the substrate are no wires here, so metal must lead every supply to all of its
    transistors.

    Args:
        layout: The chip.
        name: Cell of the bank.
        sites: int64 [n, 2]: centres of the sites of program vias, nm from the bank's origin.
        size: Side of a program via, nm.
        netlist: SPICE of the bank in which every site has its via.
        process: Layers, and names of models.
        folder: For the reports.

    Returns:
        The rows `bank` and `bank_control`.

    Raises:
        FlowError: The layout has no such cell, or the netlist no transistors.
    """
    wanted = read_transistors(netlist)
    alone = _full(layout, name, sites, size, process)
    faults = check_bank(alone, wanted, process)
    lines = {net.split("[")[0]: net for _, gate, ends, *_ in wanted for net in (gate, *ends)}
    good = f"{wanted.total()} transistors of {name} are on their {', '.join(sorted(lines))}"
    ground = Counter(end for model, _, ends, *_ in wanted.elements() if model == process.nfet for end in ends)
    planted = _plant(alone, process.stack, ground.most_common(1)[0][0])
    found = set(check_bank(alone, wanted, process)) - set(faults)
    return rows(NAME, faults, good, planted, found, folder)


def read_transistors(netlist: str) -> Counter[Transistor]:
    """Transistors of a flat SPICE subcircuit; sizes are 1e-6 um, as the kit's models take them."""
    found: Counter[Transistor] = Counter()
    line = r"^X\S+ (\S+) (\S+) (\S+) \S+ (\S+) w=(\d+)u l=(\d+)u$"
    for a, gate, b, model, width, length in re.findall(line, netlist, re.M):
        ends = (a, b) if a <= b else (b, a)
        found[model, gate, ends, int(width) // 1000, int(length) // 1000] += 1
    if not found:
        raise FlowError("no transistors in the bank's netlist", hint="Build the bank again.")
    return found


def check_bank(layout: kdb.Layout, wanted: Counter[Transistor], process: BankStack) -> list[str]:
    """What differs between the transistors of a layout's top cell and those of a netlist, line by line."""
    found, pieces = _transistors(layout, process)
    faults = [f"{net} is in {n} pieces" for net, n in sorted(pieces.items()) if n > 1]
    more = found - wanted
    by_gate = {(model, gate, end, *size) for model, gate, ends, *size in more for end in ends}
    by_ends = {(model, ends, *size) for model, _, ends, *size in more}
    off: Counter[str] = Counter()
    for transistor, n in (wanted - found).items():
        model, gate, (a, b), *size = transistor
        if (model, gate, a, *size) in by_gate:
            off[b] += n
        elif (model, gate, b, *size) in by_gate or a == b:
            off[a] += n
        elif (model, (a, b), *size) in by_ends:
            off[gate] += n
        else:
            faults.append(f"{n} missing: {_told(transistor)}")
    faults += [f"{net} does not reach {n} of its transistors" for net, n in sorted(off.items())]
    if not faults:
        faults += [f"{n} too many: {_told(transistor)}" for transistor, n in sorted(more.items())]
    return faults


def _told(transistor: Transistor) -> str:
    model, gate, ends, width, length = transistor
    return f"{model} of {width / 1000:g} / {length / 1000:g} um, gate {gate}, between {' and '.join(ends)}"


def _full(layout: kdb.Layout, name: str, sites: np.ndarray, size: int, process: BankStack) -> kdb.Layout:
    """A copy of the bank alone, with a via at every site."""
    cell = layout.cell(name)
    if cell is None:
        raise FlowError(f"no cell {name} in the layout", hint="Build the chip again.")
    alone = kdb.Layout()
    alone.dbu = layout.dbu
    copy = alone.create_cell(name)
    copy.copy_tree(cell)
    shapes, half = copy.shapes(alone.layer(*process.stack.layers["via2"])), size // 2
    for x, y in sites.tolist():
        shapes.insert(kdb.Box(x - half, y - half, x - half + size, y - half + size))
    return alone


def _transistors(layout: kdb.Layout, process: BankStack) -> tuple[Counter[Transistor], Counter[str]]:
    """Transistors of the top cell, and how many nets have each label; nets without one are all `NAMELESS`."""
    stack, top = process.stack, layout.top_cell()
    l2n = kdb.LayoutToNetlist(kdb.RecursiveShapeIterator(layout, top, []))
    conductors = {
        name: l2n.make_polygon_layer(layout.layer(*stack.layers[name]), name)
        for name in dict.fromkeys((stack.contact, *(n for join in stack.joins for n in join)))
    }
    diff, poly, well = (
        l2n.make_polygon_layer(layout.layer(*stack.layers[name]), name) for name in ("diff", "poly", "nwell")
    )
    crossed, open_ = poly & diff, diff - poly
    parts = {process.nfet: (crossed - well, open_ - well), process.pfet: (crossed & well, open_ & well)}
    for model, (gates, drains) in parts.items():
        l2n.register(gates, f"{model}_gate")
        l2n.register(drains, f"{model}_drain")
        layers: dict[str, kdb.ShapeCollection] = {
            "SD": drains,
            "G": gates,
            "P": poly,
            "tG": poly,
            "tS": drains,
            "tD": drains,
        }
        l2n.extract_devices(kdb.DeviceExtractorMOS3Transistor(model), layers)
        l2n.connect(drains)
        l2n.connect(drains, conductors[stack.contact])
    l2n.connect(poly)
    l2n.connect(poly, conductors[stack.contact])
    l2n.connect(conductors[stack.contact], conductors[stack.wires[0]])
    for region in conductors.values():
        l2n.connect(region)
    for lower, cut, upper in stack.joins:
        l2n.connect(conductors[lower], conductors[cut])
        l2n.connect(conductors[cut], conductors[upper])
    for name, layer in stack.labels.items():
        if name in conductors:
            texts = l2n.make_text_layer(layout.layer(*layer), f"{name}_labels")
            l2n.connect(conductors[name], texts)
    l2n.extract_netlist()
    netlist = l2n.netlist()
    netlist.flatten()
    circuit = next(netlist.each_circuit_top_down())
    found: Counter[Transistor] = Counter()
    for device in circuit.each_device():
        source, gate, drain = (
            net.name or NAMELESS if (net := device.net_for_terminal(terminal)) else NAMELESS
            for terminal in ("S", "G", "D")
        )
        width, length = (round(device.parameter(name) * 1000) for name in ("W", "L"))
        ends = (source, drain) if source <= drain else (drain, source)
        found[device.device_class().name, gate, ends, width, length] += 1
    return found, Counter(net.name for net in circuit.each_net() if net.name)


def _plant(layout: kdb.Layout, stack: Stack, ground: str) -> Mapping[str, str]:
    """Cut a bit line in a row of taps, a word line between two columns, and the ground on both sides of one.

    Labels and taps tell where these are. Returns what the check should tell of each cut.
    """
    cell = layout.top_cell()
    rows = sorted((p.bbox() for p in _region(cell, stack, "tap").merged().each()), key=lambda b: b.bottom)
    columns = sorted({(b.left, b.right) for b in _boxes(cell, stack, "diff")})
    if not rows or len(columns) < 3:
        return {}
    row = rows[len(rows) // 2]
    gaps = [(right, left) for (_, right), (left, _) in itertools.pairwise(columns)]
    middle = len(gaps) // 2
    widest = max(gaps[1:], key=lambda gap: (gap[1] - gap[0], -abs(gap[0] - gaps[middle][0])))
    planted = {}
    bits = [
        (text, box)
        for text in _labels(cell, stack, "met3")
        for box in _boxes(cell, stack, "met3")
        if box.contains(text.x, text.y) and box.bottom < row.bottom and row.top < box.top
    ]
    words = [
        (text, box)
        for text in _labels(cell, stack, "met1")
        for box in _boxes(cell, stack, "poly")
        if box.bottom <= text.y <= box.top and box.left < widest[0] and widest[1] < box.right
    ]
    rails = [b for b in _boxes(cell, stack, "met1") if b.left < gaps[0][0] and gaps[-1][1] < b.right]
    if bits:
        text, box = bits[len(bits) // 2]
        _cut(cell, stack, "met3", kdb.Box(box.left, row.center().y - 200, box.right, row.center().y + 200))
        planted["a bit line cut in a row of taps"] = f"{text.string} does not reach"
    if words:
        text, box = words[len(words) // 2]
        _cut(cell, stack, "poly", kdb.Box(widest[0], box.bottom, widest[1], box.top))
        planted["a word line cut between two columns"] = f"{text.string} does not reach"
    if rails:
        rail = min(rails, key=lambda b: abs(b.center().y - rows[0].center().y))
        for left, right in gaps[middle - 1 : middle + 1]:
            _cut(cell, stack, "met1", kdb.Box(left, rail.bottom, right, rail.top))
        planted["a source cut off from the ground"] = f"{ground} does not reach"
    return planted


def _region(cell: kdb.Cell, stack: Stack, name: str) -> kdb.Region:
    return kdb.Region(cell.begin_shapes_rec(cell.layout().layer(*stack.layers[name])))


def _boxes(cell: kdb.Cell, stack: Stack, name: str) -> list[kdb.Box]:
    """Rectangles that a cell itself draws on a layer."""
    shapes = cell.shapes(cell.layout().layer(*stack.layers[name]))
    return [shape.box for shape in shapes.each(kdb.Shapes.SBoxes)]


def _labels(cell: kdb.Cell, stack: Stack, name: str) -> list[kdb.Text]:
    shapes = cell.shapes(cell.layout().layer(*stack.labels[name]))
    return sorted((shape.text for shape in shapes.each(kdb.Shapes.STexts)), key=lambda t: (t.x, t.y))


def _cut(cell: kdb.Cell, stack: Stack, name: str, gap: kdb.Box) -> None:
    """Take what a cell itself draws on a layer away from a rectangle."""
    shapes = cell.shapes(cell.layout().layer(*stack.layers[name]))
    hit = [shape for shape in shapes.each_touching(gap) if shape.is_box() and shape.box.overlaps(gap)]
    rest = kdb.Region([shape.box for shape in hit]) - kdb.Region(gap)
    for shape in hit:
        shapes.erase(shape)
    for trapezoid in rest.decompose_trapezoids_to_region().each():
        shapes.insert(trapezoid.bbox())
