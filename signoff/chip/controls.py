"""Faults planted in a chip's wiring: a comparison that does not find them proves nothing."""

__all__ = ["FAULTS", "Fault", "Planted"]

import functools
import itertools
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

import klayout.db as kdb

from signoff.chip.netlist import ChipNetlist, Extraction
from signoff.chip.wiring import Stack

Again = Callable[[], Extraction]


@dataclass(frozen=True)
class Planted:
    """A chip with faults.

    Attributes:
        netlist: What its layout connects.
        nets: By what is wrong, its nets in the layout. Of several faults the comparison must name all nets of
            each, and no net that has none; of one it is enough that it finds more than in the sound chip.
    """

    netlist: ChipNetlist
    nets: Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Fault:
    """Faults of which one comparison tells.

    Attributes:
        key: Short name, for files.
        names: What is wrong.
        plant: The faulty chip, given the sound one, the process and a function that extracts the layout anew;
            what the chip has no place for is not in it. The layout is as before after it.
        apart: Each by itself, for a chip so small that the comparison does not tell them apart.
    """

    key: str
    names: tuple[str, ...]
    plant: Callable[[Extraction, Stack, Again], Planted | None]
    apart: "tuple[Fault, ...]" = ()


OPEN, SHORT, PORTS, PINS = "an open", "a short", "two swapped ports", "two swapped pins of a cell"


def _wires(
    found: Extraction, stack: Stack, again: Again, names: Collection[str] = (OPEN, SHORT)
) -> Planted | None:
    """Take one via of a wire away, where a net has no other way, and elsewhere join two neighbouring wires of
    other nets with a strip of metal: one extraction, which takes most of the time, shows both."""
    lower, _, upper = stack.joins[1]
    index = found.cell.layout().layer(*stack.layers[upper])
    vias = _single_vias(found, stack)
    middle = vias[len(vias) // 2 :] if OPEN in names else []
    via = next((v for v in middle if _net(found, upper, v.trans.disp)), None)
    cut = None if via is None else kdb.CellInstArray(via.cell_index, via.trans)
    pair = _neighbours(found, upper, vias, cut) if SHORT in names else None
    if cut is None and pair is None:
        return None
    if via is not None:
        via.delete()
    strip = pair and found.cell.shapes(index).insert(kdb.Path([kdb.Point() + at for at in pair], 140))
    try:
        wrong = again()
    finally:
        if cut is not None:
            found.cell.insert(cut)
        if strip is not None:
            found.cell.shapes(index).erase(strip)
    nets = {}
    if cut is not None:
        nets[OPEN] = frozenset({_net(wrong, wire, cut.trans.disp) for wire in (lower, upper)} - {""})
    if pair is not None:
        nets[SHORT] = frozenset({_net(wrong, upper, pair[0])})
    return Planted(wrong.netlist, nets)


def _neighbours(
    found: Extraction, wire: str, vias: list[kdb.Instance], cut: kdb.CellInstArray | None
) -> tuple[kdb.Vector, kdb.Vector] | None:
    """Places of two vias near each other, on two nets that are not that of the via which is cut."""
    places = sorted((v.trans.disp for v in vias), key=lambda at: (at.x, at.y))
    pairs = list(itertools.pairwise(places))
    # From the midst on: nets of ports lie at the edge, of which many look alike to a comparison of graphs
    pairs = sorted(pairs[len(pairs) // 2 :] + pairs[: len(pairs) // 2], key=lambda p: (p[1] - p[0]).length())
    other = "" if cut is None else _net(found, wire, cut.trans.disp)
    for pair in pairs:
        if len({*(_net(found, wire, at) for at in pair), other, ""}) == (4 if other else 3):
            return pair
    return None


def _ports(found: Extraction, stack: Stack, again: Again) -> Planted | None:
    """Swap the labels of two ports."""
    ports = [p for p in found.netlist.ports if "[" in p] or list(found.netlist.ports)
    if len(ports) < 2:
        return None
    swap = {ports[0]: ports[1], ports[1]: ports[0]}
    nets = [{p: swap.get(n, n) for p, n in i.nets.items()} for i in found.netlist.instances]
    pairs = zip(found.netlist.instances, nets, strict=True)
    wrong = replace(found.netlist, instances=[replace(i, nets=n) for i, n in pairs])
    return Planted(wrong, {PORTS: frozenset()})


def _pins(found: Extraction, stack: Stack, again: Again) -> Planted | None:
    """Swap two inputs of one cell that does the same with them."""
    for instance in found.netlist.instances:
        a, b = instance.nets.get("A"), instance.nets.get("B")
        if a and b and a != b:
            wrong = replace(instance, nets={**instance.nets, "A": b, "B": a})
            rest = [i for i in found.netlist.instances if i is not instance]
            return Planted(replace(found.netlist, instances=[*rest, wrong]), {PINS: frozenset()})
    return None


FAULTS = (
    Fault(
        "wires",
        (OPEN, SHORT),
        _wires,
        (
            Fault("open", (OPEN,), functools.partial(_wires, names=(OPEN,))),
            Fault("short", (SHORT,), functools.partial(_wires, names=(SHORT,))),
        ),
    ),
    Fault("ports", (PORTS,), _ports),
    Fault("pins", (PINS,), _pins),
)


def _single_vias(found: Extraction, stack: Stack) -> list[kdb.Instance]:
    """Vias of one cut between the second and third wire."""
    layout = found.cell.layout()
    index = layout.layer(*stack.layers[stack.joins[1][1]])
    kinds = {c for c in found.cell.each_child_cell() if layout.cell(c).name not in found.netlist.boxes}
    single = {c for c in kinds if layout.cell(c).shapes(index).size() == 1}
    return [inst for inst in found.cell.each_inst() if inst.cell_index in single]


def _net(found: Extraction, wire: str, at: kdb.Vector) -> str:
    """Net of a wire at a place, "" if there is none; finding it takes time, so only few are asked for."""
    net = found.wiring.l2n.probe_net(found.wiring.regions[wire], kdb.Point() + at)
    return "" if net is None else found.names[net.cluster_id]
