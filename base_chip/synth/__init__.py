"""Synthesis of the base's logic to standard cells with Yosys, and a proof of the result."""

__all__ = [
    "Netlist",
    "library_in",
    "map_to_cells",
    "prove_equivalent",
    "run_yosys",
    "script_digest",
    "yosys_version",
]

from base_chip.synth.equivalence import prove_equivalent
from base_chip.synth.mapping import Netlist, map_to_cells, script_digest
from base_chip.synth.yosys import library_in, run_yosys, yosys_version
