"""Synthesis of the base's logic to standard cells with Yosys, and the netlist that ships with it."""

__all__ = ["Netlist", "ShippedNetlist", "map_to_cells", "prove_equivalent", "run_yosys", "yosys_version"]

from base_chip.synth.equivalence import prove_equivalent
from base_chip.synth.mapping import Netlist, map_to_cells
from base_chip.synth.shipped import ShippedNetlist
from base_chip.synth.yosys import run_yosys, yosys_version
