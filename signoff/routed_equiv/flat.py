"""A netlist without hierarchy: every cell with the nets of its pins."""

__all__ = ["Flat", "FlatCell", "flatten"]

from collections.abc import Mapping
from dataclasses import dataclass

from rtl_gen.errors import FlowError
from signoff.netlist import CONSTANTS, Netlist
from signoff.nets import Joined


@dataclass(frozen=True)
class FlatCell:
    """A cell: what it is, and the net on each bit of a pin ("A", "WL[3]") where one is connected."""

    kind: str
    nets: Mapping[str, str]


@dataclass(frozen=True)
class Flat:
    """A netlist.

    Attributes:
        cells: By path of names with dots between them, whatever a tool put there.
        ports: Direction and net by bit.
    """

    cells: dict[str, FlatCell]
    ports: dict[str, tuple[str, str]]


def flatten(modules: Mapping[str, Netlist], top: str) -> Flat:
    """Dissolve all modules; what is no module is a cell.

    Raises:
        FlowError: There is no such top, a module holds itself, a port has another width than what is on it,
            or two cells have one name.
    """
    if top not in modules:
        raise FlowError(
            f"no module {top} in the netlist, but {', '.join(modules)}", hint="Harden the base anew."
        )
    return _Flattener(modules).run(top)


class _Flattener:
    def __init__(self, modules: Mapping[str, Netlist]) -> None:
        self.modules = modules
        self.same = Joined()
        self.found: dict[str, tuple[str, dict[str, str]]] = {}

    def run(self, top: str) -> Flat:
        self._walk(self.modules[top], "", (top,))
        cells = {
            name: FlatCell(kind, {pin: self.same.root(net) for pin, net in nets.items()})
            for name, (kind, nets) in self.found.items()
        }
        ports = {
            bit: (direction, self.same.root(bit))
            for port, (direction, _) in self.modules[top].ports.items()
            for bit in self.modules[top].bits(port)
        }
        return Flat(cells, ports)

    def _walk(self, module: Netlist, prefix: str, above: tuple[str, ...]) -> None:
        for left, right in module.aliases:
            self.same.join(_key(prefix, left), _key(prefix, right))
        for instance in module.instances.values():
            child = self.modules.get(instance.cell)
            if child is None:
                self._cell(prefix, instance.name, instance.cell, instance.pins)
                continue
            if child.name in above:
                raise FlowError(f"module {child.name} holds itself", hint="Harden the base anew.")
            inside = f"{prefix}{instance.name}/"
            for pin, nets in instance.pins.items():
                bits = child.bits(pin) if pin in child.ports else []
                if nets == ("",):
                    continue
                if len(bits) != len(nets):
                    raise FlowError(
                        f"{len(nets)} nets on port {pin} of {instance.name}, expected {len(bits)}"
                    )
                for bit, net in zip(bits, nets, strict=True):
                    self.same.join(_key(inside, bit), _key(prefix, net))
            self._walk(child, inside, (*above, child.name))

    def _cell(self, prefix: str, name: str, kind: str, pins: Mapping[str, tuple[str, ...]]) -> None:
        path = _plain(prefix + name)
        if path in self.found:
            raise FlowError(f"two cells are called {path}", hint="Harden the base anew.")
        nets: dict[str, str] = {}
        for pin, on in pins.items():
            bits = [pin] if len(on) == 1 else [f"{pin}[{n}]" for n in range(len(on) - 1, -1, -1)]
            nets |= {bit: _key(prefix, net) for bit, net in zip(bits, on, strict=True) if net}
        self.found[path] = kind, nets


def _key(prefix: str, net: str) -> str:
    return net if net in CONSTANTS else prefix + net


def _plain(path: str) -> str:
    return path.replace("\\", "").replace("/", ".")
