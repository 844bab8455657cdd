"""Antennas of a routed block: what OpenROAD reports, and which wires of a net hang on a gate."""

__all__ = ["ORDER", "Antenna", "RoutedBlock", "RoutedNet", "read_antennas", "wires_at"]

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from base_chip.harden.def_wires import Box, Patch, PlacedVia, Routes, Segment, net_statements, read_tech
from base_chip.harden.free_places import LAYERS, Rules, Space, Wire, read_rules
from rtl_gen.errors import FlowError

ORDER = ("li1", "met1", "met2", "met3", "met4", "met5")


@dataclass(frozen=True)
class Antenna:
    """A gate whose net has too much metal for it.

    Attributes:
        net: Its name.
        pin: The gate, `instance/pin`.
        layer: Routing layer up to which the metal counts.
        ratio: Sides of the metal to the gate's area.
        limit: What the technology allows with the diodes that are there.
    """

    net: str
    pin: str
    layer: str
    ratio: float
    limit: float


@dataclass(frozen=True)
class RoutedNet:
    """A net: the cells at it, what its routing draws, and widths of wires by rule and layer, dbu."""

    cells: list[str]
    drawn: list[Segment | PlacedVia | Patch]
    widths: Mapping[str, Mapping[str, int]]


def read_antennas(report: str) -> list[Antenna]:
    """Gates beyond their limits in a report of OpenROAD's `check_antennas`, by layer from below."""
    found: dict[tuple[str, str, str], Antenna] = {}
    net = pin = layer = ""
    ratio = 0.0
    for line in report.splitlines():
        match line.split():
            case ["Net:", name]:
                net = name
            case ["Pin:", name, *_]:
                pin = name
            case ["Layer:", name]:
                layer = name
            case ["Partial" | "Cumulative", "area", "ratio:", value]:
                ratio = float(value)
            case ["Required", "ratio:", value, *_, "(VIOLATED)"]:
                if layer in ORDER:  # too many cuts are no matter of diodes
                    found[net, pin, layer] = Antenna(net, pin, layer, ratio, float(value))
    return sorted(found.values(), key=lambda a: ORDER.index(a.layer))


class RoutedBlock:
    """A routed block, read once for all that is mended in it.

    Attributes:
        rules: Of wires, vias and the diode.
        space: What is taken in it.
    """

    def __init__(self, text: str, lefs: Sequence[Path], diode: str) -> None:
        """Reads a routed DEF.

        Args:
            text: The DEF, without fillers.
            lefs: LEF of the technology, the cells and the macros.
            diode: Name of the diode cell.

        Raises:
            FlowError: Something cannot be read.
        """
        lef = "".join(path.read_text("utf-8") for path in lefs)
        self.rules = read_rules(lef, diode)
        self.space = Space(text, lefs, self.rules)
        self._text, self._tech = text, read_tech(lef)

    def nets(self, names: Iterable[str]) -> dict[str, RoutedNet]:
        """Nets by name; FlowError when one is not there."""
        wanted = {_plain(name): name for name in names}
        routes = Routes(self._text, self._tech)
        nets = {}
        for words in net_statements(self._text):
            if (name := _plain(words[1])) in wanted:
                # "- name ( cell pin ) ( cell pin ) + ..."
                cells = [_plain(cell) for cell in words[2 : words.index("+")][1::4] if cell != "PIN"]
                nets[wanted[name]] = RoutedNet(cells, list(routes.of(words)[1]), routes.rules)
        if missing := sorted(set(wanted.values()) - set(nets)):
            raise FlowError(f"no net {missing[0]} in the DEF")
        return nets


def wires_at(net: RoutedNet, antenna: Antenna, cells: Mapping[str, Box], rules: Rules) -> list[Wire]:
    """Wires that hang on the gate of an antenna through no layer above its own, lowest first.

    Args:
        net: The antenna's.
        antenna: Of one gate.
        cells: Where each cell lies, dbu.
        rules: Widths of wires.
    """
    counted = ORDER[: ORDER.index(antenna.layer) + 1]
    metal: list[Wire] = []
    joined: list[tuple[int, int]] = []
    for one in net.drawn:
        if isinstance(one, Segment):
            width = net.widths.get(one.rule, {}).get(one.layer) or 2 * rules.half.get(one.layer, 150)
            metal.append((one.layer, one.box(width // 2)))
        elif isinstance(one, Patch):
            metal.append((one.layer, one.box))
        elif one.layer in counted and one.other in counted:
            (x, y), n = one.at, len(metal)
            joined.append((n, n + 1))
            metal += [(layer, (x - 85, y - 85, x + 85, y + 85)) for layer in (one.layer, one.other)]
    for layer in counted:
        items = [(n, box) for n, (of, box) in enumerate(metal) if of == layer]
        joined += [(n, m) for (n, a), (m, b) in itertools.combinations(items, 2) if _meet(a, b)]
        if layer == LAYERS[0]:  # a pin joins what ends at it
            for cell in {cells[name] for name in net.cells}:
                joined += itertools.pairwise(n for n, box in items if _meet(cell, box))
    first, second = np.array(joined, int).reshape(-1, 2).T
    size = len(metal)
    _, part = connected_components(
        coo_matrix((np.ones(len(first)), (first, second)), (size, size)), directed=False
    )
    gate = cells[_plain(antenna.pin.rpartition("/")[0])]
    # Above a cell wires pass that do not end there; above a macro they are on higher layers alone
    ends = LAYERS[:2] if gate[3] - gate[1] <= rules.size[1] else LAYERS[:4]
    mine = {part[n] for n, (layer, box) in enumerate(metal) if layer in ends and _meet(gate, box)}
    straight = {one for n, one in enumerate(metal) if part[n] in mine and one[0] in LAYERS[1:]}
    return sorted(straight, key=lambda one: (ORDER.index(one[0]), one[1]))


def _meet(a: Box, b: Box) -> bool:
    return a[0] <= b[2] and b[0] <= a[2] and a[1] <= b[3] and b[1] <= a[3]


def _plain(name: str) -> str:
    return name.replace("\\", "")
