"""Tcl that drives Magic and OpenSTA."""
