"""Supplies by metal alone: every rail, strap and cell joined to the pins, without wells and substrate.

For a comparison with the netlist the substrate is a wire. A rail that no strap reaches is held by its taps
there, and feeds no cell on silicon.
"""

__all__ = ["Lost", "check_supplies", "supplies"]

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import klayout.db as kdb

from rtl_gen.errors import FlowError
from signoff.assembly.routed import Macro, Routed, Shapes
from signoff.assembly.rows import rows
from signoff.chip.wiring import Stack
from signoff.result import CheckResult

NAME = "supplies"


@dataclass(frozen=True)
class Lost:
    """A piece of a supply that the pins do not reach: it is elsewhere, on another net, or not there."""

    net: str
    layer: str
    box: kdb.Box

    def __str__(self) -> str:
        b = self.box
        where = f"({b.left / 1000:g}, {b.bottom / 1000:g}) to ({b.right / 1000:g}, {b.top / 1000:g}) um"
        return f"{self.net} does not reach {self.layer} at {where}"


def supplies(layout: kdb.Layout, base: str, routed: Routed, stack: Stack, folder: Path) -> list[CheckResult]:
    """Check that each supply is one piece of metal, which is all that the DEF and the cells want of it.

    Args:
        layout: A tile, or what holds it.
        base: Cell of the routed design.
        routed: Its DEF.
        stack: The process. Wires count from the second on, as the first is inside of cells.
        folder: For the reports.

    Returns:
        The rows `supplies` and `supplies_control`.

    Raises:
        FlowError: The layout has no such cell, or the DEF no supplies.
    """
    metal = _metal(layout, base, routed, stack)
    faults, lost = check_supplies(metal, routed.supply_wires, stack)
    wires = sum(len(shapes) for shapes in routed.supply_wires.values())
    good = (
        f"{' and '.join(sorted(routed.supply_wires))} are one piece of metal each, with {wires} wires and all"
        f" pins of {routed.cells.total()} cells and memories"
    )
    planted = _plant(metal, routed, stack)
    seen = kdb.Region()
    for piece in set(check_supplies(metal, routed.supply_wires, stack)[1]) - set(lost):
        seen.insert(piece.box)
    found = [what for what, box in planted.items() if not (seen & kdb.Region(box)).is_empty()]
    told = faults + [str(piece) for piece in lost]
    return rows(NAME, told, good, {what: what for what in planted}, found, folder)


def check_supplies(
    metal: kdb.Layout, wires_of: Mapping[str, Shapes], stack: Stack
) -> tuple[list[str], list[Lost]]:
    """What is wrong with the names of the supplies, and what the pins do not reach.

    Args:
        metal: Wires of a design alone, flat, with its labels.
        wires_of: Wires that each supply should have.
        stack: The process. Its first wire is not looked at.
    """
    l2n = kdb.LayoutToNetlist(kdb.RecursiveShapeIterator(metal, metal.top_cell(), []))
    wires: dict[str, kdb.Region] = {}
    for join in stack.joins[1:]:
        for name in join:
            if name not in wires:
                wires[name] = l2n.make_polygon_layer(metal.layer(*stack.layers[name]), name)
                l2n.connect(wires[name])
        lower, cut, upper = join
        l2n.connect(wires[lower], wires[cut])
        l2n.connect(wires[cut], wires[upper])
    for name in set(stack.labels) & set(wires):
        texts = l2n.make_text_layer(metal.layer(*stack.labels[name]), f"{name}_labels")
        l2n.connect(wires[name], texts)
    l2n.extract_netlist()
    circuit = next(l2n.netlist().each_circuit_top_down())
    faults: list[str] = []
    lost: list[Lost] = []
    for supply, shapes in sorted(wires_of.items()):
        nets = [net for net in circuit.each_net() if supply in net.name.split(",")]
        if len(nets) != 1:
            faults.append(f"{supply} is in {len(nets)} pieces")
        faults += [f"short of {net.name}" for net in nets if "," in net.name]
        for layer in stack.wires[1:]:
            wanted = kdb.Region(metal.top_cell().begin_shapes_rec(metal.layer(_pins_of(supply, layer))))
            for name, box in shapes:
                if name == layer:
                    wanted.insert(box)
            for net in nets:
                wanted -= l2n.shapes_of_net(net, wires[layer], True)
            lost += [Lost(supply, layer, piece.bbox()) for piece in wanted.each_merged()]
    return faults, lost


def _metal(layout: kdb.Layout, base: str, routed: Routed, stack: Stack) -> kdb.Layout:
    """The wires of a routed design alone, flat; of cells and memories what their supply pins are on.

    Pins have layers of their own there, one for each supply and wire. Labels are the design's own.
    """
    cell = layout.cell(base)
    if cell is None or not routed.supply_wires:
        raise FlowError(f"no cell {base} in the layout, or no supplies in its DEF", hint="Build it again.")
    metal = kdb.Layout()
    metal.dbu = layout.dbu
    copy = metal.create_cell(base)
    copy.copy_tree(cell)
    labels = [metal.layer(*stack.labels[name]) for name in stack.wires[1:] if name in stack.labels]
    used = {name: metal.layer(*stack.layers[name]) for join in stack.joins[1:] for name in join}
    for index in set(metal.layer_indexes()) - {*used.values(), *labels}:
        metal.clear_layer(index)
    inside = [metal.cell(index) for index in copy.called_cells()]
    for inner in [c for c in inside if c.name in routed.macros and c.child_cells()]:
        inner.prune_subcells()
    for inner in [metal.cell(index) for index in copy.called_cells()]:
        for index in labels:
            inner.clear(index)
        if inner.name in routed.macros:
            _pins_only(inner, routed.macros[inner.name], routed.supply_of, used)
    copy.flatten(True)
    for name in stack.wires[1:]:  # a rail has a piece for each cell: as one, it is extracted sooner
        whole = kdb.Region(copy.begin_shapes_rec(used[name])).merged()
        copy.clear(used[name])
        copy.shapes(used[name]).insert(whole)
    return metal


def _pins_only(cell: kdb.Cell, macro: Macro, supply_of: Mapping[str, str], used: Mapping[str, int]) -> None:
    """Leave of a cell what it draws on the layers of its supply pins, and mark these."""
    pins = [
        (pin, layer, box) for pin, shapes in macro.supplies.items() for layer, box in shapes if layer in used
    ]
    kept = {used[layer] for _, layer, _ in pins}
    for index in set(used.values()) - kept:
        cell.clear(index)
    for pin, layer, box in pins:
        cell.shapes(cell.layout().layer(_pins_of(supply_of[pin], layer))).insert(box)


def _pins_of(supply: str, layer: str) -> kdb.LayerInfo:
    return kdb.LayerInfo(f"{supply} pins on {layer}")


def _plant(metal: kdb.Layout, routed: Routed, stack: Stack) -> dict[str, kdb.Box]:
    """Take a strap of the middle away with its vias, and a rail off all straps; returns where these are."""
    top, upper, lower = metal.top_cell(), stack.joins[-1], stack.joins[1]
    labels = [shape.text for shape in top.shapes(metal.layer(*stack.labels[upper[2]])).each()]
    planted: dict[str, kdb.Box] = {}
    for net, shapes in sorted(routed.supply_wires.items()):
        straps = [box for name, box in shapes if name == upper[2]]
        free = [box for box in straps if not any(box.contains(text.x, text.y) for text in labels)]
        rails = [box for name, box in shapes if name == lower[0]]
        if not planted and len(free) > 2:
            strap = sorted(free, key=str)[len(free) // 2]
            for name in upper[1:]:
                _erase(top, metal.layer(*stack.layers[name]), strap)
            planted[f"a strap of {net} removed"] = strap
        elif rails:
            rail = sorted(rails, key=str)[len(rails) // 2]
            _erase(top, metal.layer(*stack.layers[lower[1]]), rail)
            planted[f"a rail of {net} cut from its straps"] = rail
    return planted


def _erase(cell: kdb.Cell, index: int, box: kdb.Box) -> None:
    """Take away every shape of a layer that overlaps a box."""
    shapes = cell.shapes(index)
    for shape in list(shapes.each_overlapping(box)):
        shapes.erase(shape)
