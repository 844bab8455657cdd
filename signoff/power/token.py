"""Energy of a token of a die of tiles, by tile and kind, from what rose in its gate-level simulation."""

__all__ = ["CONTROL", "NAME", "Priced", "TokenDie", "price"]

import math
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from signoff.power.assumed import clock_nets
from signoff.power.energy import Activity, Corner, energies_of
from signoff.power.flat import OUTSIDE, FlatDie
from signoff.power.rises import Registers
from signoff.result import CheckResult

NAME = "energy"
CONTROL = f"{NAME}_control"
_SHOWN = 3
_EQUAL = 1e-9  # of a sum: the same numbers in another order


@dataclass(frozen=True)
class TokenDie:
    """A die as far as its energy goes.

    Attributes:
        flat: Its netlist.
        wires: Capacitance of wires, F, by the name of their net where they are, such as "ram_1_0.net7";
            without supplies.
        macros: What memories are called in a sum, such as "ROM macros", by their cell.
        clock: Port that clocks come from.
    """

    flat: FlatDie
    wires: Mapping[str, float]
    macros: Mapping[str, str]
    clock: str


@dataclass(frozen=True)
class Priced:
    """A token in one corner, J.

    Attributes:
        total: Of all.
        blocks: Parts of it, such as "rom_0_0 cells"; the largest first. Wires are those in a tile, whatever
            drives them.
        nets: The same by net, without leakage: what charges it, and what cells take inside when it moves.
        leakage: Of all cells.
        seconds: How long the token takes.
        without: Kinds of cell for which there is no energy.
    """

    total: float
    blocks: Mapping[str, float]
    nets: Mapping[str, float]
    leakage: float
    seconds: float
    without: tuple[str, ...]

    @property
    def adds_up(self) -> bool:
        """Whether the blocks, and the nets, come to the total."""
        sums = math.fsum(self.blocks.values()), math.fsum([*self.nets.values(), self.leakage])
        return all(math.isclose(self.total, each, rel_tol=_EQUAL) for each in sums)


def price(
    die: TokenDie, counted: Activity, registers: Registers, corners: Mapping[str, Corner], told: str = ""
) -> tuple[list[CheckResult], dict[str, Priced]]:
    """Energy of a token in every corner, and the controls in the first.

    Args:
        die: The die.
        counted: How often each net rose in the token, by its names in the simulation; those that never did
            are in it, too.
        registers: Whether they held what cells give.
        corners: Cells and macros. A macro's reads and writes are pins of it.
        told: What the row says besides.

    Returns:
        The rows `energy` and `energy_control`; and the token, by corner.
    """
    corners = {name: _with_outside(corner) for name, corner in corners.items()}
    activity, faults = _by_root(die.flat, counted)
    clock = die.flat.netlist.instances[f"port.{die.clock}"].pins["out"][0]
    if (ticks := activity.rises.get(clock, 0)) != counted.cycles:
        faults.append(f"{die.clock} rose {ticks} times in {counted.cycles} cycles")
    named = die.flat.tied.union(*die.flat.names.values())
    faults += [f"{name} holds what the cells before it do not give" for name in registers.wrong]
    faults += [f"the wire {name} is on no net" for name in die.wires if name not in named]
    faults += [
        f"nothing drives {net}, which rises"
        for net in _undriven(die.flat, activity, next(iter(corners.values())))
    ]
    clocks = clock_nets(die.flat.netlist, next(iter(corners.values())), clock)
    found = {name: _priced(die, activity, corner, clocks) for name, corner in corners.items()}
    for name, priced in found.items():
        faults += [f"{name}: no energy of {cell}" for cell in priced.without]
        faults += [] if priced.adds_up else [f"{name}: blocks, nets and all cells come to different sums"]
    texts = [_text(name, found[name], corners[name]) for name in found]
    detail = "; ".join([*faults[:_SHOWN], *texts, *([told] if told else [])])
    row = _row(NAME, len(faults), faults[0] if faults else "", detail)
    return [row, _control(die, counted, registers, next(iter(found.values())))], found


def _with_outside(corner: Corner) -> Corner:
    """What is outside takes nothing itself; it charges what it drives, as a cell does."""
    inside, farads = {**corner.inside, OUTSIDE: {"out": 0.0}}, {**corner.farads, OUTSIDE: {}}
    return replace(corner, inside=inside, farads=farads)


def _text(name: str, priced: Priced, corner: Corner) -> str:
    nj, rate = 1e9 * priced.total, 1 / priced.seconds
    return f"{name} {nj:.0f} nJ, {rate:,.0f} tokens/s at {1e9 * corner.period:g} ns"


def _by_root(flat: FlatDie, counted: Activity) -> tuple[Activity, list[str]]:
    """What was counted, by the nets of the flat netlist; and what cannot be.

    Without delays a net rises at most once in a cycle, and alike under each of its names.
    """
    rises, faults = {}, []
    for net, names in flat.names.items():
        found = {name: counted.rises[name] for name in names if name in counted.rises}
        if not found:
            faults.append(f"{net} was not counted")
            continue
        rises[net] = max(found.values())
        if min(found.values()) != rises[net]:
            faults.append(f"{net} did not rise alike under its names {', '.join(sorted(found))}")
        if rises[net] > counted.cycles:
            faults.append(f"{net} rose {rises[net]} times in {counted.cycles} cycles")
    on_pins = {net for of in flat.netlist.instances.values() for _, net in of.on_nets}
    return Activity(counted.cycles, counted.tokens, {n: r for n, r in rises.items() if n in on_pins}), faults


def _undriven(flat: FlatDie, activity: Activity, corner: Corner) -> list[str]:
    """Nets that rise, of which no pin is a known output."""
    driven = {
        net
        for instance in flat.netlist.instances.values()
        for pin, net in instance.on_nets
        if _drives(instance.cell, pin, corner)
    }
    return [net for net, rises in activity.rises.items() if rises and net not in driven]


def _drives(cell: str, pin: str, corner: Corner) -> bool:
    """Whether a pin is an output: energies are known of it, and no capacitance."""
    return pin in corner.inside.get(cell, {}) and pin not in corner.farads.get(cell, {})


def _priced(die: TokenDie, activity: Activity, corner: Corner, clocks: Collection[str]) -> Priced:
    netlist = die.flat.netlist
    roots = {name: net for net, names in die.flat.names.items() for name in names}
    blocks: dict[str, float] = defaultdict(float)
    wires: dict[str, float] = defaultdict(float)
    for name, farads in die.wires.items():
        net = roots.get(name, name)
        wires[net] += farads
        blocks[f"{die.flat.tile_of(name)} wires"] += farads * corner.volts**2 * activity.rises.get(net, 0)
    # All is linear in rises and capacitances: parts are differences of sums.
    whole = energies_of(netlist, wires, activity, corner)
    bare = energies_of(netlist, {}, activity, corner).by_instance
    ticks = replace(activity, rises={n: r for n, r in activity.rises.items() if n in clocks})
    on_clocks = {
        name: of for name, of in netlist.instances.items() if any(net in clocks for _, net in of.on_nets)
    }
    of_clocks = replace(netlist, instances=on_clocks)
    ticking = energies_of(of_clocks, {}, ticks, replace(corner, leak={})).by_instance
    for name, joules in bare.items():
        cell, tile = netlist.instances[name].cell, die.flat.tile_of(name)
        if cell == OUTSIDE:
            blocks["inputs of the die"] += joules
            continue
        if cell in die.macros:
            blocks[f"{tile} {die.macros[cell]}"] += joules
        else:
            blocks[f"{tile} clock"] += ticking.get(name, 0.0)
            blocks[f"{tile} cells"] += joules - ticking.get(name, 0.0)
    shown = {b: blocks[b] for b in sorted(blocks, key=lambda b: -blocks[b]) if blocks[b]}
    nets = _by_net(die, wires, activity, corner)
    return Priced(whole.total, shown, nets, whole.leakage, whole.seconds, whole.without)


def _by_net(
    die: TokenDie, wires: Mapping[str, float], activity: Activity, corner: Corner
) -> dict[str, float]:
    """What each net takes, J: the sum of the blocks in another order."""
    joules: dict[str, float] = defaultdict(float)
    farads: dict[str, float] = defaultdict(float, wires)
    driven = set()
    for instance in die.flat.netlist.instances.values():
        inside, inputs = corner.inside.get(instance.cell, {}), corner.farads.get(instance.cell, {})
        for pin, net in instance.on_nets:
            farads[net] += inputs.get(pin, 0.0)
            joules[net] += inside.get(pin, 0.0) * activity.rises.get(net, 0)
            if _drives(instance.cell, pin, corner):
                driven.add(net)
    for net in driven:
        joules[net] += farads[net] * corner.volts**2 * activity.rises.get(net, 0)
    return joules


def _control(die: TokenDie, counted: Activity, registers: Registers, priced: Priced) -> CheckResult:
    """A register that holds something else, a net counted twice or not at all, and a block that is left out
    must show."""
    faults = _faults(die, counted, {})
    seam = max(
        (names for names in die.flat.names.values() if sum(n in counted.rises for n in names) > 1),
        key=lambda names: counted.rises.get(names[0], 0),
        default=(),
    )
    twice = {name: 2 * counted.rises[name] for name in seam[:1] if name in counted.rises}
    busiest = max(priced.nets, key=lambda n: priced.nets[n])
    doubled = replace(priced, nets={**priced.nets, busiest: 2 * priced.nets[busiest]})
    block, *others = priced.blocks
    less = replace(priced, blocks={b: priced.blocks[b] for b in others})
    lost = {n: r for n, r in counted.rises.items() if n not in die.flat.names[busiest]}
    seen = {
        **registers.planted,
        f"{', '.join(twice)} counted twice": bool(_faults(die, counted, twice) - faults),
        f"{busiest} doubled in the sum by net": not doubled.adds_up,
        f"{block} left out": not less.adds_up,
        f"{busiest} not counted": bool(_faults(die, replace(counted, rises=lost), {}) - faults),
    }
    missed = [what for what, was in seen.items() if not was]
    reason = f"not found: {', '.join(missed)}" if missed else ""
    return _row(CONTROL, len(missed), reason, f"found: {', '.join(w for w, was in seen.items() if was)}")


def _faults(die: TokenDie, counted: Activity, other: Mapping[str, int]) -> set[str]:
    """What is wrong with a count in which some nets have another."""
    return set(_by_root(die.flat, replace(counted, rises={**counted.rises, **other}))[1])


def _row(name: str, count: int, reason: str, detail: str) -> CheckResult:
    return CheckResult(name, "sc-flow", "", count, 0, "fail" if count else "pass", reason, detail)
