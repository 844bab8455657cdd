"""What analyses of power share: cells of the kit in a corner, wires, and numbers as they are written."""

__all__ = ["kit_corner", "six_digits", "wire_farads"]

from typing import Any

from base_chip.pdk import Pdk
from base_chip.pdk.energies import load_energies
from base_chip.pdk.place_route import load_place_route
from signoff.assembly.routed import Routed
from signoff.power.energy import Corner


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
