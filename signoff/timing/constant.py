"""Pins that never change, and so need no timing."""

__all__ = ["constant_pins"]

from collections.abc import Mapping

from signoff.netlist import Netlist
from signoff.nets import Joined
from signoff.timing.cells import Cell, Flop, variables


def constant_pins(netlist: Netlist, cells: Mapping[str, Cell]) -> frozenset[str]:
    """Pins ("instance/pin") and ports on nets that constants alone drive, tie cells among them."""
    same = Joined(netlist.aliases)
    constant = {"0", "1"}
    drivers = []
    for instance in netlist.instances.values():
        cell = cells.get(instance.cell)
        if cell is None or isinstance(cell.storage, Flop):
            continue
        for pin, function in cell.outputs.items():
            sources = [
                net for v in variables(function) if v in cell.inputs for net in instance.pins.get(v, ())
            ]
            drivers += [(same.root(net), sources) for net in instance.pins.get(pin, ()) if net]
    grown = True
    while grown:
        found = {net for net, sources in drivers if all(same.root(s) in constant for s in sources)}
        grown = not found <= constant
        constant |= found
    pins = {
        f"{i.name}/{pin}"
        for i in netlist.instances.values()
        for pin, nets in i.pins.items()
        if all(same.root(net) in constant for net in nets)
    }
    ports = {left for left, _ in netlist.aliases if same.root(left) in constant}
    return frozenset(pins | ports)
