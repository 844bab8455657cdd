"""What each cell and memory takes from the supply while a token is made, from what moved in simulation."""

__all__ = ["Activity", "Corner", "Energy", "Parts", "energies_of", "parts_of"]

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from rtl_gen.errors import FlowError
from signoff.netlist import Netlist


@dataclass(frozen=True)
class Activity:
    """What moved while tokens were made.

    Attributes:
        cycles: Clock cycles.
        tokens: Tokens that came out.
        rises: How often each net rose; nets that never did are left out.
    """

    cycles: int
    tokens: int
    rises: Mapping[str, int]


@dataclass(frozen=True)
class Corner:
    """One corner.

    Attributes:
        volts: Of the supply.
        period: Of the clock, s.
        leak: Leakage of a cell, W, by cell.
        inside: Taken inside of a cell while a pin rises and falls once, J, by cell and pin.
        farads: Of a cell's input, by cell and pin; of a memory too.
    """

    volts: float
    period: float
    leak: Mapping[str, float]
    inside: Mapping[str, Mapping[str, float]]
    farads: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Parts:
    """Energy of one instance, J.

    Attributes:
        switching: What charges the nets that it drives.
        inside: What it takes beside.
        leakage: What it loses.
    """

    switching: float
    inside: float
    leakage: float

    @property
    def total(self) -> float:
        return self.switching + self.inside + self.leakage


@dataclass(frozen=True)
class Energy:
    """Energy of a run, J.

    Attributes:
        by_instance: Of each cell and memory.
        switching: Of all of it, what charges wires and inputs; `inside`: what cells take beside;
            `leakage`: what they lose.
        seconds: How long the run takes at the corner's clock.
        without: Kinds of cell for which there is no energy.
    """

    by_instance: Mapping[str, float]
    switching: float
    inside: float
    leakage: float
    seconds: float
    without: tuple[str, ...]

    @property
    def total(self) -> float:
        return sum(self.by_instance.values())


def energies_of(
    netlist: Netlist,
    wires: Mapping[str, float],
    activity: Activity,
    corner: Corner,
) -> Energy:
    """Energy of each instance from the end of reset to the last token.

    A net is charged by the cell that drives it: C*V^2 a rise, with C its wire and the inputs on it.

    Args:
        netlist: Routed.
        wires: Capacitance of each net's wire, F.
        activity: Rises by net.
        corner: Voltage, clock and cells.

    Raises:
        FlowError: The activity names a net that the netlist does not have.
    """
    found, without = parts_of(netlist, wires, activity, corner)
    parts = found.values()
    return Energy(
        {name: of.total for name, of in found.items()},
        sum(of.switching for of in parts), sum(of.inside for of in parts), sum(of.leakage for of in parts),
        activity.cycles * corner.period, without,
    )  # fmt: skip


def parts_of(
    netlist: Netlist, wires: Mapping[str, float], activity: Activity, corner: Corner
) -> tuple[dict[str, Parts], tuple[str, ...]]:
    """The parts of each instance's energy, and kinds of cell without any; arguments as of `energies_of`."""
    loads = _loads(netlist, wires, corner.farads)
    if strange := sorted(set(activity.rises) - set(loads))[:3]:
        raise FlowError(
            f"nets that moved in simulation are not in the netlist: {', '.join(strange)}",
            where="states", hint="Run the step gatesim again.",
        )  # fmt: skip
    seconds = activity.cycles * corner.period
    squared = corner.volts**2
    found = {}
    without = set()
    for name, instance in netlist.instances.items():
        inside = corner.inside.get(instance.cell)
        if inside is None:
            without.add(instance.cell)
            continue
        taken = switching = 0.0
        for pin, net in instance.on_nets:
            rises = activity.rises.get(net, 0)
            if pin in inside:
                taken += rises * inside[pin]
                if pin not in corner.farads[instance.cell]:
                    switching += rises * loads[net] * squared
        found[name] = Parts(switching, taken, corner.leak.get(instance.cell, 0.0) * seconds)
    return found, tuple(sorted(without))


def _loads(
    netlist: Netlist, wires: Mapping[str, float], farads: Mapping[str, Mapping[str, float]]
) -> dict[str, float]:
    """Capacitance of each net, F: its wire and the inputs on it."""
    found: dict[str, float] = defaultdict(float)
    for instance in netlist.instances.values():
        of = farads.get(instance.cell, {})
        for pin, net in instance.on_nets:
            found[net] += of.get(pin, 0.0)
    for net in found:
        found[net] += wires.get(net, 0.0)
    return found
