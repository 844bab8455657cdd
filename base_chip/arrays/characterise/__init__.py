"""Simulates a ROM macro with ngspice: reads, precharge, noise and mismatch, with what characterises a bank."""
