"""Simulates a ROM macro with ngspice, with what characterises a bank."""
