"""Synthesis of tiles to standard cells with Yosys; `proof` proves the result."""

__all__ = [
    "Netlist",
    "library_in",
    "map_to_cells",
    "run_yosys",
    "script_digest",
    "yosys_version",
]

from base_chip.synth.mapping import Netlist, map_to_cells, script_digest
from base_chip.synth.yosys import library_in, run_yosys, yosys_version
