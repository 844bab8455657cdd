"""Hardened artifacts, one folder a tile."""
