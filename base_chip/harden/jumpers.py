"""Jumpers: a piece of a routed wire goes over the layer above, so that less metal hangs on a gate."""

__all__ = ["Rewired", "place_jumpers"]

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from base_chip.harden.antennas import Antenna, RoutedBlock, RoutedNet, wires_at
from base_chip.harden.def_wires import Patch, PlacedVia, Segment
from base_chip.harden.free_places import LAYERS, Rules, Space

_TRIES = 3  # places on each wire, from each of its ends


@dataclass(frozen=True)
class Rewired:
    """A net and all of its routing."""

    net: str
    drawn: Sequence[Segment | PlacedVia | Patch]

    def tcl(self) -> str:
        """A line that routes it so: `scf_rewire net {wire ...} {via ...} {patch ...} ...`, dbu."""
        return " ".join(["scf_rewire", f"{{{self.net}}}", *map(_told, self.drawn)])


def place_jumpers(block: RoutedBlock, antennas: Sequence[Antenna]) -> tuple[list[Rewired], list[Antenna]]:
    """Nets as they are to be routed, with one jumper each, and the antennas for which there is no room.

    Raises:
        FlowError: A net is not there.
    """
    nets = block.nets({a.net for a in antennas})
    found: dict[str, Rewired] = {}
    left = []
    for antenna in antennas:
        if antenna.net in found:  # what is left of it is looked at anew
            continue
        if new := next(_cut(nets[antenna.net], antenna, block.space, block.rules), None):
            found[antenna.net] = Rewired(antenna.net, new.drawn)
        else:
            left.append(antenna)
    return list(found.values()), left


def _cut(net: RoutedNet, antenna: Antenna, space: Space, rules: Rules) -> Iterator[RoutedNet]:
    """The net with a jumper that leaves so little of the antenna's layer at the gate that it is in order."""
    if antenna.layer not in LAYERS[1:-1]:
        return
    if not (whole := _length(net, antenna, space, rules)):
        return
    half = rules.half[antenna.layer]
    for n, one in enumerate(net.drawn):
        if not isinstance(one, Segment) or one.layer != antenna.layer or one.rule:
            continue
        for a, b in space.jumps((one.layer, one.box(half)), _TRIES):
            first, second = sorted((one.start, one.end))
            before, beyond = (one.before, one.beyond) if first == one.start else (one.beyond, one.before)
            above = LAYERS[LAYERS.index(one.layer) + 1]
            via = rules.vias[above][0]
            over: list[Segment | PlacedVia | Patch] = [
                Segment(one.layer, "", first, before, a, None),
                Segment(one.layer, "", b, None, second, beyond),
                *(PlacedVia(via, "", one.layer, above, at) for at in (a, b)),
                Segment(above, "", a, None, b, None),
            ]
            new = replace(net, drawn=[*net.drawn[:n], *over, *net.drawn[n + 1 :]])
            if _length(new, antenna, space, rules) / whole * antenna.ratio < antenna.limit:
                yield new


def _length(net: RoutedNet, antenna: Antenna, space: Space, rules: Rules) -> int:
    """Of wires of the antenna's layer that hang on its gate, dbu."""
    wires = wires_at(net, antenna, space.cells, rules)
    return sum(max(r - x, t - y) for layer, (x, y, r, t) in wires if layer == antenna.layer)


def _told(one: Segment | PlacedVia | Patch) -> str:
    if isinstance(one, Segment):
        ends = ((*one.start, one.before), (*one.end, one.beyond))
        return f"{{{one.layer} {' '.join(str('-' if v is None else v) for end in ends for v in end)}}}"
    if isinstance(one, PlacedVia):
        return f"{{{one.layer} {one.at[0]} {one.at[1]} {one.name}}}"
    return f"{{{one.layer} {' '.join(map(str, one.box))}}}"
