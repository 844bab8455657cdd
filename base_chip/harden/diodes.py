"""Antenna diodes below the wires of a routed block, where there is room for one and for vias down to it.

Nothing that is routed moves. A net whose antenna is too large passes near free sites of the rows somewhere: a
diode goes there, and vias and a short wire join them. The router would lead such a net anew instead, across
others that were in order.
"""

__all__ = ["Antenna", "Diode", "main", "place_diodes", "read_antennas"]

import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from base_chip.harden.antennas import Antenna, RoutedBlock, read_antennas, wires_at
from base_chip.harden.def_wires import Point
from base_chip.harden.free_places import Rules, Way, Wire
from base_chip.harden.jumpers import place_jumpers
from rtl_gen.errors import FlowError


@dataclass(frozen=True)
class Diode:
    """A diode: where it lies (dbu), how it is turned (as OpenROAD says), the way to it from `layer`."""

    net: str
    at: Point
    orient: str
    layer: str
    way: Way


def place_diodes(block: RoutedBlock, antennas: Sequence[Antenna]) -> tuple[list[Diode], list[Antenna]]:
    """Diodes for antennas, and the antennas for which there is no room.

    Raises:
        FlowError: A net is not there, or no number of diodes would do.
    """
    nets, space, rules = block.nets({a.net for a in antennas}), block.space, block.rules
    found: list[Diode] = []
    left = []
    served: dict[str, list[Wire]] = defaultdict(list)  # wires of a net that got a diode
    for antenna in antennas:
        wires = wires_at(nets[antenna.net], antenna, space.cells, rules)
        need = _count(antenna, rules) - sum(wire in wires for wire in served[antenna.net])
        while need > 0 and (place := space.below(wires)):
            wire, at, orient, way = place
            found.append(Diode(antenna.net, at, orient, wire[0], way))
            served[antenna.net].append(wire)
            need -= 1
        if need > 0:
            left.append(antenna)
    return found, left


def main(arguments: Sequence[str]) -> int:
    """`diodes.py CELL PREFIX DEF REPORT OUT LEF...`: writes Tcl that puts diodes in, and says how many.

    Where there is room for none, wires get jumpers: only then, as a diode may hang on what a jumper replaces.
    """
    cell, prefix, routed, report, out, *lefs = arguments
    block = RoutedBlock(Path(routed).read_text("utf-8"), [Path(lef) for lef in lefs], cell)
    antennas = read_antennas(Path(report).read_text("utf-8"))
    found, left = place_diodes(block, antennas)
    lines = []
    for n, one in enumerate(found):
        told = [f"{prefix}{n}", cell, *map(str, one.at), one.orient, f"{{{one.net}}}", one.layer]
        lines.append(" ".join(["scf_diode", *told, *(f"{{{x} {y} {via}}}" for (x, y), via in one.way)]))
    print(f"diodes for {len(antennas) - len(left)} of {len(antennas)} antennas: {len(found)}")
    if not found:
        jumpers, left = place_jumpers(block, left)
        lines += [jumper.tcl() for jumper in jumpers]
        print(f"jumpers: {len(jumpers)}")
    for a in left:
        print(f"no room at {a.pin} of {a.net}, {a.layer}: {a.ratio:g}, {a.limit:g} allowed")
    Path(out).write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return 0


def _count(antenna: Antenna, rules: Rules) -> int:
    """How many diodes more."""
    there = max(n for n, limit in enumerate(rules.with_diodes) if limit <= antenna.limit + 0.5)
    for more in range(1, len(rules.with_diodes) - there):
        if rules.with_diodes[there + more] > antenna.ratio:
            return more
    raise FlowError(f"{len(rules.with_diodes)} diodes do not do for {antenna.net}: {antenna.ratio:g}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
