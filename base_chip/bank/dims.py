"""Dimensions of the bank cell, one table per PDK (`base_chip/pdk/<pdk>/bank.yaml`)."""

__all__ = ["BankDims", "Size", "load_dims"]

import functools
from dataclasses import dataclass, fields
from importlib import resources
from typing import Any

import yaml

from base_chip.pdk import load_pdk

Size = tuple[int, int]  # width, height in dbu


@dataclass(frozen=True)
class BankDims:
    """Pitches, sizes, spaces and enclosures of the bank in dbu; the table explains each."""

    column_pitch: int
    node_pitch: int
    channel: int
    gate: int
    endcap: int
    diff_end: int
    contact: int
    via1: int
    via2: int
    via3: int
    li_pad: Size
    met1_pad: Size
    met2_pad: Size
    poly_pad: Size
    bit_line: int
    source_rail: int
    tap_rail: int
    strap: int
    poly_space: int
    diff_space: int
    tap_height: int
    implant: int
    npc: int
    nwell: int
    nwell_tap: int
    met1_space: int
    met3_space: int
    via3_pitch: int
    via3_met3: int
    pin_strip: int
    edge: int
    latch_up: int

    @property
    def pair_pitch(self) -> int:
        """Height of two rows: source, gate, drain, dummy gate, drain, gate."""
        return 3 * self.node_pitch

    @property
    def tap_to_node(self) -> int:
        """From the centre of a tap row to the centre of the nearest diffusion contact."""
        return self.tap_height // 2 + self.diff_space + self.diff_end

    def block_height(self, rows: int) -> int:
        """From one tap row to the next around `rows` rows, centre to centre."""
        return rows // 2 * self.pair_pitch + 2 * self.tap_to_node

    def tap_reach(self, rows: int) -> int:
        """Largest distance from n-diffusion to the nearest tap in a block of `rows` rows."""
        return self.block_height(rows) // 2 - self.tap_height // 2


@functools.cache
def load_dims(pdk: str) -> BankDims:
    """Read the table of a PDK.

    Raises:
        FlowError: If there is no such PDK.
    """
    load_pdk(pdk)
    text = resources.files("base_chip.pdk").joinpath(pdk, "bank.yaml").read_text("utf-8")
    table = yaml.safe_load(text)
    return BankDims(**{f.name: _value(table[f.name]) for f in fields(BankDims)})


def _value(entry: Any) -> Any:
    return (int(entry[0]), int(entry[1])) if isinstance(entry, list) else int(entry)
