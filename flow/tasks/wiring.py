"""What checks of a chip share: the conductors of a process, pins of cells and banks, the routed design."""

__all__ = ["box_pins", "routed_design", "stack_of"]

from pathlib import Path

from base_chip.bank.lef import bank_lef
from base_chip.bank.spec import BankSpec
from base_chip.harden.cells import cell_lef
from base_chip.pdk import Pdk
from base_chip.pdk.checks import load_checks
from base_chip.pdk.place_route import load_place_route
from signoff.assembly.routed import Routed, read_macros, read_vias
from signoff.chip.netlist import Pins, read_pins
from signoff.chip.wiring import Stack


def stack_of(pdk: Pdk) -> Stack:
    """The conductors of a PDK."""
    facts = load_checks(pdk)
    return Stack(pdk.layers, pdk.labels, facts.contact, facts.joins, facts.poly_resistor)


def box_pins(pdk: Pdk, cells: Path, bank: BankSpec) -> dict[str, Pins]:
    """Pins of every cell of the kit (`cells` is its folder) and of a bank, as place and route knows them."""
    return read_pins(cell_lef(cells, load_place_route(pdk).library) + bank_lef(bank))


def routed_design(layout: Path, pdk: Pdk, cells: Path, tech: Path, bank: BankSpec) -> Routed:
    """A routed DEF; `cells` is the kit's folder of cells, `tech` its LEF of layers and vias."""
    macros = read_macros(cell_lef(cells, load_place_route(pdk).library) + bank_lef(bank))
    return Routed(layout.read_text("utf-8"), macros, read_vias(tech.read_text("utf-8")))
