"""Netlist of a chip's layout: its cells as boxes with pins, and the wires between them."""

__all__ = ["ChipNetlist", "Extraction", "Instance", "extract", "read_pins"]

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import klayout.db as kdb

from rtl_gen.errors import FlowError
from signoff.chip.wiring import SUBSTRATE, Stack, Wiring

Pins = tuple[str, ...]
# Pins of a cell that are the substrate and the n-well, which no wire need reach and not every cell labels
BULK, WELL = "VNB", "VPB"


@dataclass(frozen=True)
class Instance:
    """One box on the chip.

    Attributes:
        cell: What it is.
        place: Origin, nm; with the cell it tells one instance from all others.
        nets: Net on each pin.
    """

    cell: str
    place: tuple[int, int]
    nets: Mapping[str, str]

    @property
    def name(self) -> str:
        return f"X{self.cell}_at_{self.place[0]}_{self.place[1]}"


@dataclass
class ChipNetlist:
    """What a layout connects.

    Attributes:
        top: Name for the chip's subcircuit.
        ports: Names of the nets that are labelled on the chip.
        boxes: Pins of each kind of box.
        faults: What is wrong whatever the chip should be: a label on two nets or two on one, a wire that
            touches the inside of a box.
    """

    top: str
    ports: Pins
    boxes: Mapping[str, Pins]
    instances: list[Instance]
    faults: list[str] = field(default_factory=list)

    @property
    def nets(self) -> set[str]:
        return {net for instance in self.instances for net in instance.nets.values()} | set(self.ports)

    def kinds(self) -> Counter[str]:
        """Number of instances by kind of box."""
        return Counter(instance.cell for instance in self.instances)

    def spice(self) -> str:
        """As SPICE: an empty subcircuit for each kind of box, then the chip."""
        lines = ["* Extracted from the layout; boxes have no contents"]
        for cell, pins in sorted(self.boxes.items()):
            lines += [f".subckt {cell} {' '.join(pins)}", ".ends"]
        lines.append(_wrapped(f".subckt {self.top}", self.ports))
        for instance in self.instances:
            nets = [instance.nets[pin] for pin in self.boxes[instance.cell]]
            lines.append(_wrapped(instance.name, [*nets, instance.cell]))
        return "\n".join([*lines, ".ends", ""])


@dataclass(frozen=True)
class Extraction:
    """A netlist with what it was extracted from, and the names of the cell's nets by cluster."""

    netlist: ChipNetlist
    wiring: Wiring
    cell: kdb.Cell
    names: Mapping[int, str]


def extract(
    layout: kdb.Layout, top: str, stack: Stack, boxes: Mapping[str, Pins], *, name: str = ""
) -> Extraction:
    """Extract a chip.

    Args:
        layout: Is changed: cells between the chip and its boxes are dissolved.
        top: Cell to extract.
        stack: The process.
        boxes: Pins of each cell that is a box; what of them the layout does not have is ignored.
        name: For the chip's subcircuit; that of the cell unless given.

    Raises:
        FlowError: There is no such cell, or it holds none of the boxes.
    """
    cell = layout.cell(top)
    if cell is None:
        raise FlowError(f"no cell {top} in the layout", hint="Build the chip again.")
    _dissolve(layout, cell, boxes)
    wiring = Wiring(layout, cell, stack)
    netlist = wiring.l2n.netlist()
    used = {c.name: c for c in netlist.each_circuit() if c.name in boxes}
    if not used:
        raise FlowError(f"cell {top} holds none of the {len(boxes)} known cells and banks")
    faults: list[str] = []
    for kind, circuit in sorted(used.items()):
        faults += _strange_pins(kind, circuit, boxes[kind])
    circuit = netlist.circuit_by_name(top)
    names, told = _net_names(circuit)
    faults += told
    bulk = _bulk(wiring, cell, names)
    if not bulk:
        faults.append("the substrate has no tap")
    instances = []
    wells = {kind: _well(wiring, layout.cell(kind), c) for kind, c in used.items()}
    for sub in circuit.each_subcircuit():
        kind = sub.circuit_ref().name
        if kind in used:
            instance, told = _instance(sub, boxes[kind], names, bulk, wells[kind])
            instances.append(instance)
            faults += told
    instances.sort(key=lambda i: (i.place, i.cell))
    ports = sorted({n for n in names.values() if not n.startswith("$")})
    pins = {kind: boxes[kind] for kind in sorted(used)}
    return Extraction(ChipNetlist(name or top, tuple(ports), pins, instances, faults), wiring, cell, names)


def read_pins(lef: str) -> dict[str, Pins]:
    """Pins of every macro in a LEF text."""
    macros = re.findall(r"^MACRO (\S+)$(.*?)^END \1$", lef, re.S | re.M)
    return {name: tuple(re.findall(r"^\s*PIN (\S+)\s*$", text, re.M)) for name, text in macros}


def _dissolve(layout: kdb.Layout, top: kdb.Cell, boxes: Mapping[str, Pins]) -> None:
    """Make every box an instance of the top cell itself."""
    holds = {c.cell_index() for c in layout.each_cell() if c.name in boxes}
    holders = {i for c in holds for i in layout.cell(c).caller_cells()} - holds
    while found := [i for i in top.each_inst() if i.cell_index in holders]:
        places = [(i.cell_index, place) for i in found for place in _places(i)]
        for inst in reversed(found):  # before any insertion, which references to instances do not outlive
            inst.delete()
        for index, place in places:
            layout.flatten_into(index, top.cell_index(), place, 0)


def _places(inst: kdb.Instance) -> list[kdb.ICplxTrans]:
    steps = [(a, b) for a in range(max(inst.na, 1)) for b in range(max(inst.nb, 1))]
    return [kdb.ICplxTrans(kdb.Trans(inst.a * a + inst.b * b)) * inst.cplx_trans for a, b in steps]


def _net_names(circuit: kdb.Circuit) -> tuple[dict[int, str], list[str]]:
    """A name for each net, by cluster; those without a label get one that begins with $."""
    names, faults = {}, []
    labels = Counter(net.name for net in circuit.each_net() if net.name)
    seen: Counter[str] = Counter()
    for net in circuit.each_net():
        name = net.name
        if not name or name == SUBSTRATE:
            names[net.cluster_id] = f"${net.cluster_id}"
            continue
        told = [part for part in name.split(",") if part != SUBSTRATE]
        if len(told) > 1:
            faults.append(f"short of {' and '.join(told)}")
        seen[name] += 1
        names[net.cluster_id] = told[0] if seen[name] == 1 else f"${net.cluster_id}"
    faults += [
        f"{name} is in {n} pieces" for name, n in sorted(labels.items()) if n > 1 and name != SUBSTRATE
    ]
    return names, faults


def _bulk(wiring: Wiring, cell: kdb.Cell, names: Mapping[int, str]) -> str:
    """Net of the substrate: that of any of its taps, as all share one global net. Empty if there is none."""
    taps = wiring.regions["p_tap"]
    net = wiring.l2n.probe_net(taps, _inside(taps)) if not taps.is_empty() else None
    return names[net.cluster_id] if net else ""


def _well(wiring: Wiring, cell: kdb.Cell, circuit: kdb.Circuit) -> str:
    """A pin of a box that its n-well is joined with inside of it; empty if there is none."""
    wells = wiring.drawn("nwell", cell)
    net = wiring.l2n.probe_net(wiring.regions["nwell"], _inside(wells), None, circuit) if wells else None
    return net.name.split(",")[0] if net else ""


def _inside(region: kdb.Region) -> kdb.Point:
    """A point in a region that is not empty."""
    box = next(region.decompose_trapezoids_to_region().each()).bbox()
    return box.center()


def _strange_pins(kind: str, circuit: kdb.Circuit, known: Pins) -> list[str]:
    """Nets of a box that wires outside touch though they are none of its pins."""
    strange = Counter(
        pin.expanded_name() for pin in circuit.each_pin() if not set(_pin_names(circuit, pin)) & set(known)
    )
    strange.pop(SUBSTRATE, None)
    return [f"a wire touches {name} inside of {kind}" for name in sorted(strange)]


def _pin_names(circuit: kdb.Circuit, pin: kdb.Pin) -> list[str]:
    net = circuit.net_for_pin(pin.id())
    return (net.name if net else pin.name()).split(",")


def _instance(
    sub: kdb.SubCircuit, pins: Pins, names: Mapping[int, str], bulk: str, well: str
) -> tuple[Instance, list[str]]:
    circuit = sub.circuit_ref()
    place = sub.trans.disp
    x, y = round(place.x * 1000), round(place.y * 1000)
    nets: dict[str, str] = {BULK: bulk} if BULK in pins else {}
    faults = []
    for pin in circuit.each_pin():
        net = sub.net_for_pin(pin.id())
        if net is None:
            continue
        found = names[net.cluster_id]
        for name in set(_pin_names(circuit, pin)) & set(pins):
            if nets.setdefault(name, found) != found and name != BULK:
                faults.append(
                    f"pin {name} of {circuit.name} at ({x / 1000:g}, {y / 1000:g}) um is on two nets"
                )
    if WELL in pins and WELL not in nets and well in nets:
        nets[WELL] = nets[well]
    for name in pins:
        nets.setdefault(name, f"$open_{name}_{circuit.name}_{x}_{y}")
    return Instance(circuit.name, (x, y), nets), faults


def _wrapped(head: str, words: Iterable[str]) -> str:
    """A SPICE line, continued where it gets long."""
    lines = [head]
    for word in words:
        if len(lines[-1]) + len(word) > 200:
            lines.append("+")
        lines[-1] += f" {word}"
    return "\n".join(lines)
