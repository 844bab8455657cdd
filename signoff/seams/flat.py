"""A die of tiles as one flat netlist, with the delays of all its tiles, for static timing across seams.

Delays of a wire that crosses a seam are those of both tiles, one after the other, and what its driver takes
longer for a load beyond the one that its tile was routed for.
"""

__all__ = ["FlatDie", "Tile", "flat_delays", "flat_verilog", "flatten"]

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from rtl_gen.errors import FlowError
from signoff.netlist import CONSTANTS, Instance, Netlist
from signoff.nets import Joined
from signoff.timing.sdf import entries, plain_name

_MARK = "__"  # between the name of a tile and that of a cell in it
_WIRE = re.compile(r"\(INTERCONNECT\s+(\S+)\s+(\S+)\s+(\([^()]*\))(?:\s*(\([^()]*\)))?\s*\)")


@dataclass(frozen=True)
class Tile:
    """A tile as timing sees it.

    Attributes:
        netlist: Routed, without supplies.
        sdf: Delays in one corner.
        later: ns by which an output changes later with the input of a neighbour as its load, by pin.
    """

    netlist: Netlist
    sdf: str
    later: Mapping[str, float]


@dataclass(frozen=True)
class FlatDie:
    """A die without hierarchy.

    Attributes:
        verilog, sdf: Its netlist and delays.
        seams: Pins of cells at which wires end that cross a seam, and the pin of the tile that they come by.
    """

    verilog: str
    sdf: str
    seams: Mapping[str, str]


@dataclass(frozen=True)
class _Way:
    """A wire inside of a tile, with the delays of a rising and of a falling edge."""

    begin: str
    end: str
    rise: float
    fall: float

    def longer(self, ns: float) -> "_Way":
        return replace(self, rise=self.rise + ns, fall=self.fall + ns)

    def then(self, way: "_Way") -> "_Way":
        """This wire and the one that it goes on in."""
        return _Way(self.begin, way.end, self.rise + way.rise, self.fall + way.fall)

    def __str__(self) -> str:
        rise, fall = (f"({v:.3f}:{v:.3f}:{v:.3f})" for v in (self.rise, self.fall))
        return f"    (INTERCONNECT {self.begin} {self.end} {rise} {fall})\n"


def flatten(die: Netlist, tiles: Mapping[str, Tile], more: Mapping[str, float] | None = None) -> FlatDie:
    """Make one netlist of a die.

    Args:
        die: Its netlist, without supplies: instances of tiles.
        tiles: By cell.
        more: ns that are added at a pin of a tile, such as "rom_0_1.clk": of wires in the margin.

    Raises:
        FlowError: A tile is not there, or its netlist and SDF do not fit together.
    """
    netlists = {cell: tile.netlist for cell, tile in tiles.items()}
    return FlatDie(flat_verilog(die, netlists), *flat_delays(die, tiles, more or {}))


def flat_verilog(die: Netlist, tiles: Mapping[str, Netlist]) -> str:
    """The netlist of `flatten`, which is that of every corner; `tiles` by cell. FlowError as there."""
    return "\n".join(_verilog(die, tiles, _nets_of(die, tiles))) + "\n"


def flat_delays(
    die: Netlist, tiles: Mapping[str, Tile], more: Mapping[str, float]
) -> tuple[str, dict[str, str]]:
    """SDF of `flatten`, and `FlatDie.seams`; FlowError as there."""
    return _sdf(die, tiles, _nets_of(die, {cell: tile.netlist for cell, tile in tiles.items()}), more)


def _nets_of(die: Netlist, tiles: Mapping[str, Netlist]) -> dict[str, dict[str, str]]:
    """Net of the die on each pin of each tile."""
    if lacking := [i for i in die.instances.values() if i.cell not in tiles]:
        raise FlowError(f"no netlist of tile {lacking[0].cell}", where=lacking[0].name)
    return {name: dict(_pin_nets(i, tiles[i.cell])) for name, i in die.instances.items()}


def _pin_nets(instance: Instance, tile: Netlist) -> Iterator[tuple[str, str]]:
    """Net of the die on each pin of a tile, bit by bit; "" where there is none."""
    for port in tile.ports:
        bits = tile.bits(port)
        nets = instance.pins.get(port, ("",))
        yield from zip(bits, nets if nets != ("",) else ("",) * len(bits), strict=True)


def _verilog(
    die: Netlist, tiles: Mapping[str, Netlist], nets: Mapping[str, Mapping[str, str]]
) -> Iterator[str]:
    yield f"module {die.name} ({', '.join(die.ports)});"
    bits = set(die.port_bits)
    for name, (direction, span) in die.ports.items():
        yield f"  {direction} {'' if span is None else f'[{span[0]}:{span[1]}] '}{name};"
    for name, of in die.instances.items():
        tile = tiles[of.cell]
        on = {pin: net for pin, net in nets[name].items() if net}
        same = Joined(tile.aliases, keep={*on, *CONSTANTS})

        def net(inner: str, name: str = name, on: Mapping[str, str] = on, same: Joined = same) -> str:
            root = same.root(inner)
            outer = on.get(root, root if root in CONSTANTS else f"{name}{_MARK}{root}")
            if outer in CONSTANTS:
                return f"1'b{outer if outer != '?' else 'x'}"
            return outer if outer in bits else f"\\{outer} "

        for cell in tile.instances.values():
            pins = ", ".join(
                f".{pin}({'' if of_pin == ('',) else '{' + ', '.join(map(net, of_pin)) + '}'})"
                for pin, of_pin in cell.pins.items()
            )
            yield f"  {cell.cell} \\{name}{_MARK}{cell.name} ({pins});"
    yield "endmodule"


def _sdf(
    die: Netlist, tiles: Mapping[str, Tile], nets: Mapping[str, Mapping[str, str]], more: Mapping[str, float]
) -> tuple[str, dict[str, str]]:
    """SDF of the die, and `FlatDie.seams`."""
    wires: list[str] = []
    cells: list[str] = []
    out_of: dict[str, list[_Way]] = defaultdict(list)  # by net of the die
    into: dict[str, list[tuple[str, _Way]]] = defaultdict(list)  # with the pin of the tile
    head = ""
    for name, of in die.instances.items():
        tile, ports = tiles[of.cell], nets[name]
        found = list(entries(tile.sdf))
        if not found or found[0][0][2]:
            raise FlowError(f"the SDF of {of.cell} does not begin with its wires", where=name)
        top = found[0][0].start()
        head = head or tile.sdf[:top]
        for way in _ways(tile.sdf[top : found[0][1]]):
            begin, last = plain_name(way.begin), plain_name(way.end)
            inside = replace(way, begin=f"{name}{_MARK}{way.begin}", end=f"{name}{_MARK}{way.end}")
            if begin in ports:
                into[ports[begin]].append((f"{name}.{begin}", inside))
            elif last in ports:
                out_of[ports[last]].append(inside.longer(tile.later.get(last, 0.0)))
            else:
                wires.append(str(inside))
        for at, end in found[1:]:
            text = tile.sdf[at.start() : end]
            cells.append(re.sub(r"\(INSTANCE\s+", f"(INSTANCE {name}{_MARK}", text, count=1))
    seams = {}
    for net, ways in into.items():
        from_port = [_Way(net, net, 0, 0)] if net and net not in CONSTANTS else []
        for pin, rest in ways:
            if net in out_of:
                seams[plain_name(rest.end)] = pin
            for begun in out_of.get(net, from_port):
                wires.append(str(begun.then(rest).longer(more.get(pin, 0.0))))
    # What a tile drives and nothing takes ends there; the rest are outputs of the die
    for net in (out_of.keys() - into.keys()) & set(die.port_bits):
        wires += [str(replace(way, end=net)) for way in out_of[net]]
    head = re.sub(r'\(DESIGN\s+"[^"]*"\)', f'(DESIGN "{die.name}")', head)
    section = f'(CELL\n  (CELLTYPE "{die.name}")\n  (INSTANCE)\n  (DELAY\n   (ABSOLUTE\n'
    return "".join([head, section, *sorted(wires), "   )\n  )\n )\n ", *cells, ")\n"]), seams


def _ways(text: str) -> Iterator[_Way]:
    """Wires of an SDF entry; of each delay the largest number."""
    for begin, end, rise, fall in _WIRE.findall(text):
        yield _Way(begin, end, _value(rise), _value(fall or rise))


def _value(triple: str) -> float:
    """The largest number of a delay."""
    return max((float(x) for x in triple.strip("()").split(":") if x), default=0.0)
