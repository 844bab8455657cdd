"""Gate-level simulation: the netlist with the ROM contents read back from layout, as a host sees it."""

__all__ = [
    "Protocol", "Request", "Simulation", "Token", "build_simulator", "converse", "read_states", "simulate",
]  # fmt: skip

from signoff.gatesim.host import Protocol, Request
from signoff.gatesim.simulate import Simulation, Token, build_simulator, converse, read_states, simulate
