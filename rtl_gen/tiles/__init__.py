"""Tiles of the fabric: `rom`, and arrays of them."""
