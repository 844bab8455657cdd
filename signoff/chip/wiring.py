"""What conducts in a layout: the layers of a process and how they join, for KLayout's net extraction."""

__all__ = ["Join", "Stack", "Wiring"]

from collections.abc import Mapping
from dataclasses import dataclass

import klayout.db as kdb

Layer = tuple[int, int]
Join = tuple[str, str, str]  # lower conductor, contact, upper conductor

SUBSTRATE = "substrate"  # net that all p-taps share


@dataclass(frozen=True)
class Stack:
    """The conductors of a process.

    Attributes:
        layers: GDS layer and datatype by name; `nwell`, `diff`, `tap` and `poly` must be among them.
        labels: GDS layer and datatype of the net labels, by conductor.
        contact: Layer that joins diffusion, taps and gates to the first wire.
        joins: From the first wire up.
        resistor: Marks poly that is no wire.
    """

    layers: Mapping[str, Layer]
    labels: Mapping[str, Layer]
    contact: str
    joins: tuple[Join, ...]
    resistor: Layer

    @property
    def wires(self) -> tuple[str, ...]:
        """Wire layers, from the lowest up."""
        return self.joins[0][0], *(upper for _, _, upper in self.joins)


class Wiring:
    """The nets of a layout, up to a wire layer.

    Transistors part the diffusion: what a gate covers does not conduct.

    Args:
        layout: Must live as long as this object.
        top: Cell to look at, with all below it.
        stack: The process.
        upto: Highest wire layer; all that are above do not exist yet.
        wells: Whether n-wells and the substrate conduct too.
    """

    def __init__(
        self, layout: kdb.Layout, top: kdb.Cell, stack: Stack, *, upto: str = "", wells: bool = True
    ) -> None:
        self.l2n = kdb.LayoutToNetlist(kdb.RecursiveShapeIterator(layout, top, []))
        self._layout, self._stack = layout, stack
        self.regions: dict[str, kdb.Region] = {}
        wires = stack.wires[: stack.wires.index(upto or stack.wires[-1]) + 1]
        self._transistors(wells)
        self._join("poly", stack.contact, wires[0])
        self._join("drain", stack.contact, wires[0])
        for join in stack.joins[: len(wires) - 1]:
            self._join(*join)
        if len(wires) <= len(stack.joins):
            self._hang(*stack.joins[len(wires) - 1][:2])
        for name, layer in stack.labels.items():
            if name in self.regions:
                texts = self.l2n.make_text_layer(layout.layer(*layer), f"{name}_labels")
                self.l2n.connect(self.regions[name], texts)
        self.l2n.extract_netlist()

    def drawn(self, name: str, cell: kdb.Cell) -> kdb.Region:
        """Shapes of a layer in a cell and below."""
        return kdb.Region(cell.begin_shapes_rec(self._layout.layer(*self._stack.layers[name])))

    def _transistors(self, wells: bool) -> None:
        diff = self._drawn("diff")
        resistor = self.l2n.make_polygon_layer(self._layout.layer(*self._stack.resistor), "resistor")
        poly = self.regions["poly"] = self._drawn("poly") - resistor
        self.regions["gate"], self.regions["drain"] = poly & diff, diff - poly
        self.l2n.connect(self.regions["gate"])
        self.l2n.connect(self.regions["gate"], poly)
        if not wells:
            return
        nwell, tap = self._drawn("nwell"), self._drawn("tap")
        n_tap, p_tap = tap & nwell, tap - nwell
        self.l2n.connect(nwell)
        self.l2n.connect(nwell, n_tap)
        self.regions["n_tap"], self.regions["p_tap"] = n_tap, p_tap
        for name in ("n_tap", "p_tap"):
            self._join(name, self._stack.contact, self._stack.wires[0])
        self.l2n.connect_global(p_tap, SUBSTRATE)

    def _hang(self, lower: str, cut: str) -> None:
        """Connect cuts, above which there is nothing yet, with the wire that they end on."""
        a, cuts = self._drawn(lower), self._drawn(cut)
        self.l2n.connect(cuts)
        self.l2n.connect(a, cuts)

    def _join(self, lower: str, contact: str, upper: str) -> None:
        a, via, b = (self._drawn(name) for name in (lower, contact, upper))
        for region in (a, via, b):
            self.l2n.connect(region)
        self.l2n.connect(a, via)
        self.l2n.connect(via, b)

    def _drawn(self, name: str) -> kdb.Region:
        if name not in self.regions:
            index = self._layout.layer(*self._stack.layers[name])
            self.regions[name] = self.l2n.make_polygon_layer(index, name)
        return self.regions[name]
