"""A die of tiles as one netlist, with every name that a net has in its tiles."""

__all__ = ["OUTSIDE", "FlatDie", "flat_die", "with_open_outputs"]

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain

from rtl_gen.errors import FlowError
from signoff.netlist import CONSTANTS, Instance, Netlist
from signoff.nets import Joined

OUTSIDE = "outside"  # the kind of what drives an input of the die, with the pin `out`


@dataclass(frozen=True)
class FlatDie:
    """A die without hierarchy.

    Attributes:
        netlist: Cells and macros as `tile.instance`; what drives the input `bit` of the die is an instance
            `port.<bit>` of the kind `OUTSIDE`.
        names: All names of each net, by the one that the netlist has: `tile.net` in a tile, and its own on
            the die.
        tied: Names of nets that are constants on the die: inputs of tiles at its edge.
        kinds: Module of each tile, by the tile's name.
    """

    netlist: Netlist
    names: Mapping[str, tuple[str, ...]]
    tied: frozenset[str]
    kinds: Mapping[str, str]

    def tile_of(self, instance: str) -> str:
        """The tile that an instance is in."""
        return instance.partition(".")[0]


def flat_die(die: Netlist, modules: Mapping[str, Netlist]) -> FlatDie:
    """Put tiles and what joins them into one netlist.

    Args:
        die: Instances of tiles, without supplies.
        modules: Netlist of each kind of tile, and of each module in it, by name. What is not in here is a
            cell.

    Raises:
        FlowError: There is no netlist of a kind of tile.
    """
    if lacking := [tile for tile in die.instances.values() if tile.cell not in modules]:
        raise FlowError(f"no netlist of tile {lacking[0].cell}", where=lacking[0].name)
    parts = [
        Instance(OUTSIDE, f"port.{bit}", {"out": (bit,)})
        for port, (direction, _) in die.ports.items()
        if direction == "input"
        for bit in die.bits(port)
    ]
    pairs: list[tuple[str, str]] = []
    _expand("", die, modules, parts, pairs)
    same = Joined(pairs)
    names: dict[str, set[str]] = defaultdict(set)
    on_pins = (net for of in parts for nets in of.pins.values() for net in nets)
    for name in chain(on_pins, *pairs):
        names[same.root(name)].add(name)
    instances = {
        of.name: Instance(of.cell, of.name, {p: tuple(map(same.root, on)) for p, on in of.pins.items()})
        for of in parts
    }
    return FlatDie(
        Netlist(die.name, die.ports, instances, ()),
        {net: tuple(sorted(alike)) for net, alike in names.items() if net and net not in CONSTANTS},
        frozenset(name for net in CONSTANTS for name in names.get(net, ())),
        {tile.name: tile.cell for tile in die.instances.values()},
    )


def with_open_outputs(die: FlatDie, outputs: Mapping[str, Iterable[str]]) -> FlatDie:
    """A die in which outputs without a net have one, `<instance>/<pin>`: cells take energy behind them, too.

    Place and route leaves them at inverters that are but loads of a clock, which rise in each cycle.

    Args:
        die: Flat.
        outputs: Of each cell; those of others stay as they are.

    Raises:
        FlowError: There is a net of that name.
    """
    instances, names = dict(die.netlist.instances), dict(die.names)
    for name, of in die.netlist.instances.items():
        opened = {
            pin: (f"{name}/{pin}",) for pin in outputs.get(of.cell, ()) if of.pins.get(pin, ("",)) == ("",)
        }
        for (net,) in opened.values():
            if net in names:
                raise FlowError(f"{net} is a net, and an output that has none", where=die.netlist.name)
            names[net] = (net,)
        if opened:
            instances[name] = replace(of, pins={**of.pins, **opened})
    return replace(die, netlist=replace(die.netlist, instances=instances), names=names)


def _expand(
    path: str,
    module: Netlist,
    modules: Mapping[str, Netlist],
    parts: list[Instance],
    pairs: list[tuple[str, str]],
) -> None:
    """Add the cells of a module and of those in it, and the names of nets that are one.

    Args:
        path: Begins all names, such as "rom_0_0."; nothing of the die.
        module: What is there.
        modules: By name.
        parts: Gets the cells.
        pairs: Gets the names.
    """

    def named(net: str) -> str:
        return net if not net or net in CONSTANTS else path + net

    pairs += ((named(a), named(b)) for a, b in module.aliases)
    for of in module.instances.values():
        if (inner := modules.get(of.cell)) is None:
            pins = {pin: tuple(map(named, nets)) for pin, nets in of.pins.items()}
            parts.append(Instance(of.cell, path + of.name, pins))
            continue
        below = f"{path}{of.name}."
        pairs += ((below + bit, named(net)) for bit, net in _crossing(of, inner))
        _expand(below, inner, modules, parts, pairs)


def _crossing(part: Instance, inner: Netlist) -> Iterator[tuple[str, str]]:
    """Bits of a module's ports with the nets that an instance has on them, where there are any."""
    for port in inner.ports:
        nets = part.pins.get(port, ("",))
        if nets != ("",):
            yield from ((bit, net) for bit, net in zip(inner.bits(port), nets, strict=True) if net)
