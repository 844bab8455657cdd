"""Faults planted in a netlist: none of them may be proved."""

__all__ = ["GATE", "plant"]

from collections.abc import Callable
from dataclasses import replace

from base_chip.synth.proof.circuit import Circuit

GATE = "a gate changed"


def plant(netlist: Circuit) -> dict[str, Circuit]:
    """The netlist with one fault each, by name; a fault of something that it lacks is left out."""
    made = {name: fault(netlist) for name, fault in _FAULTS.items()}
    return {name: found for name, found in made.items() if found is not None}


def _gate(netlist: Circuit) -> Circuit | None:
    gates = [net for net, (kind, _) in netlist.cells.items() if kind == "$_AND_"]
    if not gates:
        return None
    net = gates[len(gates) // 2]
    return replace(netlist, cells={**netlist.cells, net: ("$_OR_", netlist.cells[net][1])})


def _data(netlist: Circuit) -> Circuit | None:
    if len(netlist.flops) < 2:
        return None
    (one, first), (two, second), *_ = netlist.flops.items()
    changed = {one: first._replace(data=second.data), two: second._replace(data=first.data)}
    return replace(netlist, flops={**netlist.flops, **changed})


def _edge(netlist: Circuit) -> Circuit | None:
    if not netlist.flops:
        return None
    net, flop = next(iter(netlist.flops.items()))
    return replace(netlist, flops={**netlist.flops, net: flop._replace(rising=not flop.rising)})


def _enable(netlist: Circuit) -> Circuit | None:
    gated = [(net, flop) for net, flop in netlist.flops.items() if flop.enable is not None]
    if not gated:
        return None
    net, flop = gated[0]
    return replace(netlist, flops={**netlist.flops, net: flop._replace(enable=None)})


def _macro(netlist: Circuit) -> Circuit | None:
    pins = [name for name in netlist.outputs if ".macro." in name and name.endswith((".a[0]", ".a[1]"))]
    if len(pins) < 2:
        return None
    one, two = pins[:2]
    changed = {one: netlist.outputs[two], two: netlist.outputs[one]}
    return replace(netlist, outputs={**netlist.outputs, **changed})


_FAULTS: dict[str, Callable[[Circuit], Circuit | None]] = {
    GATE: _gate,
    "data of two flip-flops exchanged": _data,
    "a flip-flop at the other edge": _edge,
    "a clock that is not gated": _enable,
    "two addresses of a macro exchanged": _macro,
}
