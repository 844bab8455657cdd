"""Activity that is assumed where none was simulated: no clock is off, all other nets are equally busy."""

__all__ = ["assumed", "clock_nets"]

from collections import defaultdict
from collections.abc import Iterable

from signoff.netlist import Netlist
from signoff.power.energy import Activity, Corner

_CYCLES = 1000
_GATED = "GCLK"  # output of the kit's clock gates


def assumed(netlist: Netlist, corner: Corner, clock: str, share: float) -> Activity:
    """Rises of every net in a thousand cycles.

    Args:
        netlist: Routed.
        corner: Any; says which pins of a cell are inputs.
        clock: Port that rises once a cycle, as all does behind it through buffers, inverters and clock gates.
        share: Rises a cycle of all other nets.
    """
    clocks = clock_nets(netlist, corner, clock)
    nets = {net for instance in netlist.instances.values() for _, net in instance.on_nets}
    return Activity(_CYCLES, 0, {n: _CYCLES if n in clocks else round(_CYCLES * share) for n in sorted(nets)})


def clock_nets(netlist: Netlist, corner: Corner, clock: str) -> set[str]:
    """A clock and all nets behind it through buffers, inverters and clock gates.

    Args:
        netlist: Flat.
        corner: Any; says which pins of a cell are inputs.
        clock: Net.
    """
    takers: dict[str, list[str]] = defaultdict(list)
    for name, instance in netlist.instances.items():
        inputs = corner.farads.get(instance.cell, {})
        for pin, net in instance.on_nets:
            if pin in inputs:
                takers[net].append(name)
    clocks, todo = {clock}, [clock]
    while todo:
        for name in takers[todo.pop()]:
            for net in _goes_on(netlist, corner, name):
                if net not in clocks:
                    clocks.add(net)
                    todo.append(net)
    return clocks


def _goes_on(netlist: Netlist, corner: Corner, name: str) -> Iterable[str]:
    """Nets that a cell passes a clock on to."""
    instance = netlist.instances[name]
    inputs = corner.farads[instance.cell]
    pins = instance.on_nets
    alone = sum(pin in inputs for pin, _ in pins) == 1 and len(inputs) == 1
    return [net for pin, net in pins if pin == _GATED or (alone and pin not in inputs)]
