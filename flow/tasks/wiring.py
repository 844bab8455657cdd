"""The conductors of a process, as checks of a chip take them."""

__all__ = ["stack_of"]

from base_chip.pdk import Pdk
from base_chip.pdk.checks import load_checks
from signoff.chip.wiring import Stack


def stack_of(pdk: Pdk) -> Stack:
    """The conductors of a PDK."""
    facts = load_checks(pdk)
    return Stack(pdk.layers, pdk.labels, facts.contact, facts.joins, facts.poly_resistor)
