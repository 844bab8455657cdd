"""What a die of tiles should be: where its tiles stand, and what its netlist joins."""

__all__ = ["Die", "Stand"]

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import klayout.db as kdb

from rtl_gen.errors import FlowError
from signoff.assembly.routed import Routed
from signoff.netlist import CONSTANTS, Instance, Netlist
from signoff.nets import Joined


@dataclass(frozen=True)
class Stand:
    """A tile of the die: its cell, and where its lower left corner is, nm."""

    cell: str
    at: tuple[int, int]


@dataclass(frozen=True)
class Die:
    """A die of tiles, none of them turned.

    Attributes:
        top: Cell and module of the die.
        netlist: Its netlist with supplies.
        stands: The tiles, by instance.
        routed: Routed design of each tile, by cell.
        windows: What to look at of each kind of seam and of margin, um, by name.
    """

    top: str
    netlist: Netlist
    stands: Mapping[str, Stand]
    routed: Mapping[str, Routed]
    windows: Mapping[str, kdb.DBox]

    def __post_init__(self) -> None:
        if set(self.netlist.instances) != set(self.stands):
            raise FlowError("netlist and floorplan have other tiles", where=self.top)

    @property
    def pins(self) -> dict[str, tuple[str, ...]]:
        """Pins of each kind of tile, supplies included."""
        return {cell: tuple(routed.ports) for cell, routed in self.routed.items()}

    @functools.cached_property
    def ports(self) -> frozenset[str]:
        """Ports of the die, bit by bit."""
        return frozenset(self.netlist.port_bits)

    @functools.cached_property
    def nets(self) -> dict[str, list[tuple[str, str]]]:
        """Pins on each net: (instance, pin), bit by bit; ports of the die have a net each."""
        same = Joined(self.netlist.aliases)
        found: dict[str, list[tuple[str, str]]] = {bit: [] for bit in sorted(self.ports)}
        for instance in self.netlist.instances.values():
            on = dict(_joined_bits(instance, self.pins[instance.cell]))
            for pin in self.pins[instance.cell]:
                net = same.root(on[pin]) if on.get(pin) else f"open {instance.name}.{pin}"
                if net in CONSTANTS:
                    raise FlowError(f"a constant on {instance.name}.{pin}", where=self.top)
                found.setdefault(net, []).append((instance.name, pin))
        return found


def _joined_bits(instance: Instance, pins: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each pin of an instance, bit by bit, and its net; "" where there is none."""
    for port, nets in instance.pins.items():
        if port in pins:
            bits = [port]
        else:
            bits = [p for p in pins if p.partition("[")[0] == port]
            bits.sort(key=lambda p: -int(p.partition("[")[2][:-1]))
        if nets == ("",):
            nets = ("",) * len(bits)
        if len(bits) != len(nets) or not bits:
            raise FlowError(f"{instance.cell} has no pin {port} of {len(nets)} bits", where=instance.name)
        yield from zip(bits, nets, strict=True)
