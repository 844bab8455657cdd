"""The supplies of a routed design as resistors: vias, and wires between the points where something joins."""

__all__ = ["Grid", "GridBuilder", "PointsOf", "centre_of", "grid_of"]

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import klayout.db as kdb
import numpy as np

from rtl_gen.errors import FlowError
from signoff.assembly.routed import Macro, Place, Routed

_TAPS = 16  # points along a pin of a bank at which it takes its current

Node = tuple[str, int, int]  # layer, x, y in nm
PointsOf = Mapping[str, Sequence[int]]  # nodes at which an instance takes its current


@dataclass(frozen=True)
class Grid:
    """One supply.

    Attributes:
        net: Its name.
        nodes: int64 [nodes, 3]: index of the layer, x and y in nm.
        layers: Names by index, cuts included.
        ends: int64 [resistors, 2]: nodes.
        kind: int64 [resistors]: index of the layer that a resistor is of.
        size: float64 [resistors]: squares of a wire, or a cut's share of a via's resistance.
        sources: int64: nodes that are held at the supply's voltage.
        points: Nodes of each instance.
        unfed: Instances with a supply pin that lies on no wire.
    """

    net: str
    nodes: np.ndarray
    layers: tuple[str, ...]
    ends: np.ndarray
    kind: np.ndarray
    size: np.ndarray
    sources: np.ndarray
    points: PointsOf
    unfed: tuple[str, ...]

    def save(self, path: Path) -> None:
        """Write an .npz file, the same bytes each time."""
        names = list(self.points)
        np.savez(
            path,
            net=self.net,
            nodes=self.nodes,
            layers=np.array(self.layers),
            ends=self.ends,
            kind=self.kind,
            size=self.size,
            sources=self.sources,
            names=np.array(names),
            counts=np.array([len(self.points[n]) for n in names], np.int64),
            points=np.array([p for n in names for p in self.points[n]], np.int64),
            unfed=np.array(self.unfed, str),
        )

    @classmethod
    def load(cls, path: Path) -> "Grid":
        """What `save` wrote."""
        with np.load(path) as f:
            cuts = np.split(f["points"], np.cumsum(f["counts"])[:-1])
            points = {str(n): p.tolist() for n, p in zip(f["names"], cuts, strict=True)}
            return cls(
                str(f["net"]), f["nodes"], tuple(map(str, f["layers"])), f["ends"], f["kind"], f["size"],
                f["sources"], points, tuple(map(str, f["unfed"])),
            )  # fmt: skip


def grid_of(
    routed: Routed,
    net: str,
    wires: Sequence[str],
    places: Mapping[str, Place],
    banks: Collection[str],
) -> Grid:
    """The resistors of a supply.

    It is fed where the wires of its uppermost layer end: there a chip's ring or bumps meet a base.

    Args:
        routed: The DEF.
        net: Name of the supply.
        wires: Wire layers, from the lowest that counts up.
        places: Where each instance stands, those that take current.
        banks: Macros whose supply pins are straps of their own; those of other cells lie on rails.

    Raises:
        FlowError: The DEF has no wires of it on the uppermost layer.
    """
    drawn: dict[str, list[kdb.Box]] = defaultdict(list)
    top = wires[-1]
    for layer, box in routed.supply_wires[net]:
        if layer in wires:
            drawn[layer].append(box)
    if not drawn[top]:
        raise FlowError(f"{net} has no wire on {top} to be fed by", where="layout.def")
    net_of_pin = routed.supply_of
    pins: dict[str, list[tuple[str, kdb.Box]]] = {}
    for name, place in places.items():
        macro = routed.macros[place[0]]
        pins[name] = [
            (layer, _moved(box, place))
            for pin, shapes in macro.supplies.items()
            if net_of_pin.get(pin) == net
            for layer, box in shapes
            if layer in wires
        ]
    builder = GridBuilder(wires)
    for layer, boxes in drawn.items():
        for box in boxes:
            builder.wire(layer, box)
    taps: dict[str, list[Node]] = {}
    for name, shapes in pins.items():
        taps[name] = []
        for layer, box in shapes:
            if places[name][0] in banks:
                taps[name] += builder.strap(layer, box)
            else:
                taps[name].append((layer, *_xy(box.center())))
    for (via, _rot, x, y), _ in sorted(routed.supply_vias[net].items()):
        layers = routed.via_shapes[via]
        lower, upper = layers[0][0], layers[-1][0]
        cuts = [box for layer, box in layers[1:-1]]
        if lower in wires and upper in wires:
            builder.via(layers[1][0], lower, upper, (x, y), len(cuts))
    return builder.grid(net, taps)


def centre_of(macro: Macro, place: Place) -> tuple[float, float]:
    """Where the middle of what stands at a place is, um."""
    middle = _moved(kdb.Box(0, 0, macro.width, macro.height), place).center()
    return middle.x / 1000, middle.y / 1000


class GridBuilder:
    """Collects wires, vias and taps; then cuts each wire where anything joins it."""

    def __init__(self, wires: Sequence[str]) -> None:
        self.wires = wires
        self.boxes: dict[str, list[kdb.Box]] = {layer: [] for layer in wires}
        self.nodes: dict[Node, int] = {}
        self.vias: list[tuple[int, int, str, float]] = []
        self.sources: list[Node] = []

    def wire(self, layer: str, box: kdb.Box) -> None:
        """A wire of the net; those of the uppermost layer are fed at both ends."""
        self.boxes[layer].append(box)
        for node in _ends(layer, box):
            self._node(node)
            if layer == self.wires[-1]:
                self.sources.append(node)

    def strap(self, layer: str, box: kdb.Box) -> list[Node]:
        """A pin of a bank, which is a wire that takes current along its length."""
        self.boxes[layer].append(box)
        a, b = _ends(layer, box)
        steps = [n / (_TAPS - 1) for n in range(_TAPS)]
        return [(layer, round(a[1] + (b[1] - a[1]) * s), round(a[2] + (b[2] - a[2]) * s)) for s in steps]

    def via(self, cut: str, lower: str, upper: str, at: tuple[int, int], cuts: int) -> None:
        """A via of so many cuts, which count as one beside the other."""
        self.vias.append((self._node((lower, *at)), self._node((upper, *at)), cut, 1 / cuts))

    def _node(self, node: Node) -> int:
        return self.nodes.setdefault(node, len(self.nodes))

    def grid(self, net: str, taps: Mapping[str, Sequence[Node]]) -> Grid:
        """The resistors of all that was collected, and where instances take their current."""
        for nodes in taps.values():
            for node in nodes:
                self._node(node)
        kinds = (*self.wires, *sorted({cut for _, _, cut, _ in self.vias}))
        at = np.array([(self.wires.index(layer), x, y) for layer, x, y in self.nodes], np.int64).reshape(
            -1, 3
        )
        ends: list[np.ndarray] = []
        kind: list[np.ndarray] = []
        size: list[np.ndarray] = []
        on_wire = np.zeros(len(at), bool)
        for number, layer in enumerate(self.wires):
            mine = np.flatnonzero(at[:, 0] == number)
            for box in self.boxes[layer]:
                inside = _inside(at, mine, box)
                on_wire[inside] = True
                axis = 1 if box.width() >= box.height() else 2
                inside = inside[np.argsort(at[inside, axis], kind="stable")]
                length = np.diff(at[inside, axis])
                ends.append(np.stack([inside[:-1], inside[1:]], 1))
                size.append(length / min(box.width(), box.height()))
                kind.append(np.full(len(length), number))
        if self.vias:
            ends.append(np.array([(a, b) for a, b, _, _ in self.vias]))
            kind.append(np.array([kinds.index(cut) for _, _, cut, _ in self.vias]))
            size.append(np.array([share for _, _, _, share in self.vias]))
        points = {name: [self.nodes[n] for n in nodes] for name, nodes in taps.items()}
        unfed = tuple(n for n, of in points.items() if not of or not on_wire[of].all())
        sources = np.array(sorted({self.nodes[n] for n in self.sources}), np.int64)
        return Grid(
            net, at, kinds, np.concatenate(ends), np.concatenate(kind), np.concatenate(size), sources, points,
            unfed,
        )  # fmt: skip


def _inside(at: np.ndarray, mine: np.ndarray, box: kdb.Box) -> np.ndarray:
    x, y = at[mine, 1], at[mine, 2]
    hit = (x >= box.left) & (x <= box.right) & (y >= box.bottom) & (y <= box.top)
    return np.asarray(mine[hit])


def _ends(layer: str, box: kdb.Box) -> tuple[Node, Node]:
    x, y = _xy(box.center())
    if box.width() >= box.height():
        return (layer, box.left, y), (layer, box.right, y)
    return (layer, x, box.bottom), (layer, x, box.top)


def _moved(box: kdb.Box, place: Place) -> kdb.Box:
    _, rot, x, y = place
    return kdb.Trans(rot % 4, rot >= 4, x, y) * box


def _xy(point: kdb.Point) -> tuple[int, int]:
    return point.x, point.y
