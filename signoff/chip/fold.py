"""Supplies of boxes, told apart by name, so that a comparison of graphs need not follow them."""

__all__ = ["fold"]

from collections import Counter, defaultdict
from dataclasses import replace

from signoff.chip.netlist import ChipNetlist, Instance, Pins

Supplied = tuple[tuple[str, str], ...]  # pins that are on supplies, and on which


def fold(layout: ChipNetlist, netlist: ChipNetlist) -> tuple[ChipNetlist, ChipNetlist, list[str]]:
    """The same two netlists without the nets that nearly every box is on.

    Such a net has tens of thousands of pins, and a comparison of graphs spends its time on them. As it is
    a port of both, known by name, where it goes needs no graph: boxes whose supply pins are on the same
    supplies are one kind, and a box with a pin on another supply, or on none, is of a kind of its own.
    Kinds that have no other pins are compared by their numbers here, and left out.

    Returns:
        Both netlists, and the kinds whose numbers differ.
    """
    supplies = _supplies(layout) & _supplies(netlist)
    usual = _usual(netlist, supplies)
    sides = [_folded(side, supplies, usual) for side in (layout, netlist)]
    a, b = (side.kinds() for side in sides)
    faults = [
        f"{a[kind]} {kind} in the layout, {b[kind]} in the netlist"
        for kind in sorted(a.keys() | b.keys())
        if a[kind] != b[kind]
    ]
    left, right = (_with_pins(side) for side in sides)
    return left, right, faults


def _supplies(netlist: ChipNetlist) -> set[str]:
    """Ports that more than half of all boxes are on."""
    on = Counter(net for i in netlist.instances for net in set(i.nets.values()))
    return {port for port in netlist.ports if on[port] > len(netlist.instances) / 2}


def _usual(netlist: ChipNetlist, supplies: set[str]) -> dict[str, Supplied]:
    """How most boxes of each kind are supplied."""
    found: dict[str, Counter[Supplied]] = defaultdict(Counter)
    for instance in netlist.instances:
        found[instance.cell][_supplied(instance, supplies)] += 1
    return {kind: ways.most_common(1)[0][0] for kind, ways in found.items()}


def _supplied(instance: Instance, supplies: set[str]) -> Supplied:
    return tuple(sorted((pin, net) for pin, net in instance.nets.items() if net in supplies))


def _folded(netlist: ChipNetlist, supplies: set[str], usual: dict[str, Supplied]) -> ChipNetlist:
    instances = []
    boxes: dict[str, Pins] = {}
    for instance in netlist.instances:
        kind, pins = instance.cell, netlist.boxes[instance.cell]
        way = _supplied(instance, supplies)
        if way != usual.get(kind):
            kind += "_with_" + "_".join(f"{pin}_on_{net}" for pin, net in way)
        if len(rest := tuple(p for p in pins if p not in dict(way))) != 1:
            pins = rest  # else Netgen 1.5.133 crashes: it takes no boxes of one pin
        boxes[kind] = pins
        instances.append(replace(instance, cell=kind, nets={p: instance.nets[p] for p in pins}))
    return replace(netlist, boxes=boxes, instances=instances)


def _with_pins(netlist: ChipNetlist) -> ChipNetlist:
    boxes = {kind: pins for kind, pins in netlist.boxes.items() if pins}
    return replace(netlist, boxes=boxes, instances=[i for i in netlist.instances if i.cell in boxes])
