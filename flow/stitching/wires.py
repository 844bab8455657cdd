"""Wires in the margin of a die of tiles."""

__all__ = ["wires_of_margin"]

from base_chip.pdk import load_pdk
from base_chip.pdk.margin import load_margin
from base_chip.pdk.place_route import load_place_route
from base_chip.stitch import StitchPlan
from base_chip.stitch.wires import margin_wires
from signoff.seams import timing


def wires_of_margin(plan: StitchPlan) -> dict[str, timing.Wire]:
    """Wires in the margin by the pin at which they end, as met3 and met4 are estimated before routing."""
    pdk = load_pdk(plan.pdk)
    facts = load_place_route(pdk)
    ohm, pf = (max(of[layer] for layer in ("met3", "met4")) for of in (facts.resistance, facts.capacitance))
    lengths = {pin: nm / 1000 for pin, nm in margin_wires(plan, load_margin(pdk)).items()}
    # ohm times pF is 1e-3 ns; half of a wire's capacitance is charged through all of its resistance
    return {pin: timing.Wire(ohm * um * pf * um / 2000, pf * um) for pin, um in lengths.items()}
