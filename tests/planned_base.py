"""A planned base of six small banks, for tests that build whole dies in milliseconds."""

import base_chip.planned as planned

YAML = """
name: tiny
pdk: sky130
program_layers: [[69, 44]]
die: [300, 200]
edge: 5
banks: {columns: 3, rows: 2, pitch: [69, 80], origin: [10, 20], word_lines: 64, bits: 32, mux: 2}
engines: 3
engine_columns: 8
kv_bits: 65536
activation_bits: 1024
attention_lanes: 4
link_bytes: 2
context: 8
"""
TINY = planned.parse_planned(YAML, where="tiny.yaml")
