"""Simulates a bank with ngspice and writes the timing that its liberty is made from."""

__all__ = ["characterise", "read_point"]

from base_chip.bank.characterise.table import characterise, read_point
