"""A die of one rom tile, for tests that build whole dies in a moment."""

from base_chip.dies import parse_die

YAML = """
name: tiny
pdk: sky130
program_layers: [[69, 44]]
die: [1000, 2700]
edge: 5
rom: {rows: 1, columns: 1}
ram: {rows: 1, words: 128}
vec: {columns: 4, macros: 8}
link_bytes: 2
context: 32
"""
TINY = parse_die(YAML, where="tiny.yaml")
