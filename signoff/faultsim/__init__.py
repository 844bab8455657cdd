"""Fault simulation: a chip and copies with one wrong bit of the ROM each, at gate level and all at once."""

__all__ = ["Chip", "run"]

from signoff.faultsim.coverage import Chip, run
