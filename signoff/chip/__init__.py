"""Checks of a whole chip's wiring: its netlist against the routed design, and antenna ratios."""
