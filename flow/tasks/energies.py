"""What analyses of power share: cells of the kit in a corner, wires, and numbers as they are written."""

__all__ = ["kit_corner", "six_digits", "wire_farads", "with_macros"]

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from base_chip.harden.block import Macro
from base_chip.pdk import Pdk
from base_chip.pdk.energies import by_condition, from_liberty, load_energies
from base_chip.pdk.place_route import load_place_route
from signoff.assembly.routed import Routed
from signoff.netlist import Instance
from signoff.power.energy import Corner

# Pins that models of memories have besides, by the beginning of liberty's condition; a ROM's has none.
_ACCESSES = {"": "reads", "enable": "reads", "write": "writes"}


def kit_corner(pdk: Pdk, liberty: str, volts: float, period: float) -> Corner:
    """The kit's cells in a corner of the liberty; `period` of the clock in ns."""
    prefix = f"{load_place_route(pdk).library}__"
    cells = {prefix + name: cell for name, cell in load_energies(pdk)[liberty].items()}
    return Corner(
        volts,
        period * 1e-9,
        {name: of.nw * 1e-9 for name, of in cells.items()},
        {name: {pin: e.pj * 1e-12 for pin, e in of.pins.items()} for name, of in cells.items()},
        {name: {pin: e.pf * 1e-12 for pin, e in of.pins.items() if e.pf} for name, of in cells.items()},
    )


def with_macros(
    corner: Corner, macros: Sequence[Macro], instances: Mapping[str, Instance], liberty: str
) -> Corner:
    """A corner with memories too.

    What a memory takes in a cycle is the mean of its conditions. Where instances have the pins `reads` and
    `writes`, each read, and each byte that is written, takes what liberty says of it instead.

    Args:
        corner: Of the kit's cells.
        macros: Memories.
        instances: One of each, by its cell.
        liberty: Corner of the liberty.
    """
    inside, farads, leak = dict(corner.inside), dict(corner.farads), dict(corner.leak)
    for macro in macros:
        (of,) = from_liberty(macro.liberty[liberty], "").values()
        pins = [pin for pin, _ in instances[macro.name].on_nets]
        known = {pin: of.pins[pin.partition("[")[0]] for pin in pins if pin.partition("[")[0] in of.pins}
        spent = {pin: e.pj * 1e-12 for pin, e in known.items()}
        farads[macro.name] = {pin: e.pf * 1e-12 for pin, e in known.items() if e.pf}
        leak[macro.name] = of.nw * 1e-9
        if "reads" in pins:
            each = by_condition(macro.liberty[liberty], "clk")
            spent |= {"clk": 0.0, **{_access(condition): pj * 1e-12 for condition, pj in each.items()}}
        inside[macro.name] = spent
    return replace(corner, inside=inside, farads=farads, leak=leak)


def _access(condition: str) -> str:
    """The pin of a model that rises with each access under a condition, such as writes[3] for write[3]."""
    name, bracket, bit = condition.partition("[")
    return _ACCESSES[name] + bracket + bit


def wire_farads(routed: Routed, pdk: Pdk) -> dict[str, float]:
    """Capacitance of each net's wires, F, by their lengths."""
    per_um = load_place_route(pdk).capacitance  # pF
    return {
        net: sum(per_um[layer] * nm / 1000 for layer, nm in lengths.items()) * 1e-12
        for net, lengths in sorted(routed.lengths.items())
    }


def six_digits(value: Any) -> Any:
    """Numbers with six digits, so that the last bits of a solution, which are the machine's, do not show."""
    if isinstance(value, dict):
        return {key: six_digits(v) for key, v in value.items()}
    return float(f"{value:.6g}") if isinstance(value, float) else value
