"""Gate-level simulation: the netlist with the ROM contents read back from layout, as a host sees it."""

__all__ = ["Request", "Simulation", "Token", "build_simulator", "simulate"]

from signoff.gatesim.host import Request
from signoff.gatesim.simulate import Simulation, Token, build_simulator, simulate
