"""Simulates an SRAM macro with ngspice, with what characterises a bank."""
