"""Faults planted in a chip's wiring: a comparison that does not find them proves nothing."""

__all__ = ["FAULTS", "Fault"]

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace

import klayout.db as kdb

from signoff.chip.netlist import ChipNetlist, Extraction
from signoff.chip.wiring import Stack

Again = Callable[[], ChipNetlist]


@dataclass(frozen=True)
class Fault:
    """One kind of fault.

    Attributes:
        key: Short name, for files.
        name: What is wrong.
        plant: The netlist of the faulty chip, given the sound one, the process and a function that extracts
            the layout anew; None if the chip has no place for the fault. The layout is as before after it.
    """

    key: str
    name: str
    plant: Callable[[Extraction, Stack, Again], ChipNetlist | None]


def _open(found: Extraction, stack: Stack, again: Again) -> ChipNetlist | None:
    """Take one via of a wire away, where a net has no other way."""
    vias = _single_vias(found, stack)
    via = next((v for v in vias[len(vias) // 2 :] if _net(found, stack, v) is not None), None)
    if via is None:
        return None
    kept = kdb.CellInstArray(via.cell_index, via.trans)
    via.delete()
    try:
        return again()
    finally:
        found.cell.insert(kept)


def _short(found: Extraction, stack: Stack, again: Again) -> ChipNetlist | None:
    """Join two neighbouring wires of different nets with a strip of metal."""
    upper = stack.joins[1][2]
    index = found.cell.layout().layer(*stack.layers[upper])
    vias = sorted(_single_vias(found, stack), key=lambda v: (v.trans.disp.x, v.trans.disp.y))
    for one, two in itertools.pairwise(vias):
        nets = _net(found, stack, one), _net(found, stack, two)
        if None not in nets and len(set(nets)) == 2:
            a, b = one.trans.disp, two.trans.disp
            strip = found.cell.shapes(index).insert(kdb.Path([kdb.Point() + a, kdb.Point() + b], 140))
            try:
                return again()
            finally:
                found.cell.shapes(index).erase(strip)
    return None


def _ports(found: Extraction, stack: Stack, again: Again) -> ChipNetlist | None:
    """Swap the labels of two ports."""
    ports = [p for p in found.netlist.ports if "[" in p] or list(found.netlist.ports)
    if len(ports) < 2:
        return None
    swap = {ports[0]: ports[1], ports[1]: ports[0]}
    nets = [{p: swap.get(n, n) for p, n in i.nets.items()} for i in found.netlist.instances]
    pairs = zip(found.netlist.instances, nets, strict=True)
    return replace(found.netlist, instances=[replace(i, nets=n) for i, n in pairs])


def _pins(found: Extraction, stack: Stack, again: Again) -> ChipNetlist | None:
    """Swap two inputs of one cell that does the same with them."""
    for instance in found.netlist.instances:
        a, b = instance.nets.get("A"), instance.nets.get("B")
        if a and b and a != b:
            wrong = replace(instance, nets={**instance.nets, "A": b, "B": a})
            rest = [i for i in found.netlist.instances if i is not instance]
            return replace(found.netlist, instances=[*rest, wrong])
    return None


FAULTS = (
    Fault("open", "an open", _open),
    Fault("short", "a short", _short),
    Fault("ports", "two swapped ports", _ports),
    Fault("pins", "two swapped pins of a cell", _pins),
)


def _single_vias(found: Extraction, stack: Stack) -> list[kdb.Instance]:
    """Vias of one cut between the second and third wire."""
    layout = found.cell.layout()
    index = layout.layer(*stack.layers[stack.joins[1][1]])
    kinds = {c for c in found.cell.each_child_cell() if layout.cell(c).name not in found.netlist.boxes}
    single = {c for c in kinds if layout.cell(c).shapes(index).size() == 1}
    return [inst for inst in found.cell.each_inst() if inst.cell_index in single]


def _net(found: Extraction, stack: Stack, via: kdb.Instance) -> int | None:
    """Net of a via; finding it takes time, so only few are asked for."""
    wires = found.wiring.regions[stack.joins[1][2]]
    net = found.wiring.l2n.probe_net(wires, kdb.Point() + via.trans.disp)
    return net.cluster_id if net is not None else None
