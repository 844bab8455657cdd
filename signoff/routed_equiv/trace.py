"""What drives each pin of a netlist, seen through buffers, inverters and tie cells."""

__all__ = ["Box", "Traced"]

from collections.abc import Callable, Mapping

from signoff.netlist import CONSTANTS
from signoff.routed_equiv.flat import Flat
from signoff.routed_equiv.function import ONE, Source, role
from signoff.timing.cells import Cell

Box = str  # output pin of a cell whose inside is not looked at; all its other pins are inputs
NOTHING: Source = ("nothing", False)
Replace = Callable[[str, str], Source | None]


class Traced:
    """A netlist with the source of each net.

    Args:
        flat: The netlist.
        cells: What each kind of cell does.
        boxes: Kinds that have no known function.
        copy_of: For a driver (cell and pin): the source that it stands for, None for itself.

    Attributes:
        faults: Nets with two drivers.
        roles: By cell: as `function.role`, or "box".
    """

    def __init__(
        self,
        flat: Flat,
        cells: Mapping[str, Cell],
        boxes: Mapping[str, Box],
        copy_of: Replace = lambda cell, pin: None,
    ) -> None:
        self.flat, self.cells, self.boxes, self.copy_of = flat, cells, boxes, copy_of
        self.roles = {
            name: "box" if cell.kind in boxes else role(cells[cell.kind]) for name, cell in flat.cells.items()
        }
        self.faults: list[str] = []
        self._drivers: dict[str, tuple[str, str]] = {}  # cell and pin; no cell for a port or constant
        self._sources: dict[str, Source | None] = {}  # None while it is being looked for
        for constant in CONSTANTS:
            self._drivers[constant] = "", constant
        for bit, (direction, net) in flat.ports.items():
            if direction == "input":
                self._drive(net, "", bit)
        for name, cell in flat.cells.items():
            for pin in self.outputs(name):
                if pin in cell.nets:
                    self._drive(cell.nets[pin], name, pin)

    def outputs(self, name: str) -> list[str]:
        """Output pins of a cell, bit by bit."""
        cell = self.flat.cells[name]
        if self.roles[name] == "box":
            return [pin for pin in cell.nets if pin.partition("[")[0] == self.boxes[cell.kind]]
        return list(self.cells[cell.kind].outputs)

    def inputs(self, name: str) -> list[str]:
        """Input pins of a cell, bit by bit; of a box those that something is on."""
        cell = self.flat.cells[name]
        if self.roles[name] == "box":
            return [pin for pin in cell.nets if pin.partition("[")[0] != self.boxes[cell.kind]]
        return list(self.cells[cell.kind].inputs)

    def at(self, name: str, pin: str) -> Source:
        """What drives an input pin."""
        net = self.flat.cells[name].nets.get(pin)
        return NOTHING if net is None else self.source(net)

    def pins(self, name: str) -> dict[str, Source]:
        """What drives each input pin of a cell."""
        return {pin: self.at(name, pin) for pin in self.inputs(name)}

    def source(self, net: str) -> Source:
        """What drives a net: "cell/pin" or a port, or `ONE`; and whether it is inverted on the way."""
        if net in self._sources:
            return self._sources[net] or ("a loop", False)
        self._sources[net] = None
        found = self._sources[net] = self._look(net)
        return found

    def _look(self, net: str) -> Source:
        if net not in self._drivers:
            return NOTHING
        name, pin = self._drivers[net]
        if not name:
            return (ONE, pin == "0") if pin in ("0", "1") else (pin, False)
        kind = self.roles[name]
        if kind in ("buffer", "inverter"):
            node, inverted = self.at(name, self.cells[self.flat.cells[name].kind].inputs[0])
            return node, inverted ^ (kind == "inverter")
        if kind == "tie":
            return ONE, self.cells[self.flat.cells[name].kind].outputs[pin] == ("0",)
        return self.copy_of(name, pin) or (f"{name}/{pin}", False)

    def _drive(self, net: str, name: str, pin: str) -> None:
        if net in self._drivers:
            first, second = ("/".join(filter(None, d)) for d in (self._drivers[net], (name, pin)))
            self.faults.append(f"{first} and {second} drive one net")
        self._drivers[net] = name, pin
