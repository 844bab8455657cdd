"""Dimensions of the bank cell, one table per PDK (`base_chip/pdk/<pdk>/bank.yaml`)."""

__all__ = ["BankDims", "Size", "load_dims"]

import functools
from dataclasses import dataclass
from importlib import resources
from typing import Annotated

from base_chip.pdk import Dbu, load_pdk
from base_chip.schema import note, parse

Size = tuple[Dbu, Dbu]  # width, height


@dataclass(frozen=True)
class BankDims:
    """Pitches, sizes, spaces and enclosures of the bank in dbu; the table names the design rules."""

    column_pitch: Annotated[Dbu, note("pitch of bit lines")]
    node_pitch: Annotated[Dbu, note("pitch of diffusion contacts along a column")]
    channel: Annotated[Dbu, note("transistor width")]
    gate: Annotated[Dbu, note("transistor length")]
    endcap: Annotated[Dbu, note("poly beyond diffusion")]
    diff_end: Annotated[Dbu, note("diffusion beyond the centre of its last contact")]
    contact: Annotated[Dbu, note("side of licon1 and mcon")]
    via1: Annotated[Dbu, note("side of via")]
    via2: Annotated[Dbu, note("side of via2")]
    via3: Annotated[Dbu, note("side of via3")]
    li_pad: Annotated[Size, note("li1 around a contact")]
    met1_pad: Annotated[Size, note("met1 around a via")]
    met2_pad: Annotated[Size, note("met2 around a via2")]
    poly_pad: Annotated[Size, note("poly around a contact")]
    bit_line: Annotated[Dbu, note("width of the met3 bit line")]
    source_rail: Annotated[Dbu, note("width of met1 over source contacts")]
    tap_rail: Annotated[Dbu, note("width of met1 over tap rows")]
    strap: Annotated[Dbu, note("width of the met4 supply strap")]
    poly_space: Annotated[Dbu, note("between gates")]
    diff_space: Annotated[Dbu, note("between diffusions")]
    tap_height: Annotated[Dbu, note("height of a tap row")]
    implant: Annotated[Dbu, note("nsdm and psdm around diffusion")]
    npc: Annotated[Dbu, note("npc around poly contacts")]
    nwell: Annotated[Dbu, note("n-well around p-diffusion and n-tap")]
    nwell_tap: Annotated[Dbu, note("n-well to a p-tap outside")]
    met1_space: Annotated[Dbu, note("between met1 shapes")]
    met3_space: Annotated[Dbu, note("between met3 shapes")]
    via3_pitch: Annotated[Dbu, note("pitch of via3")]
    via3_met3: Annotated[Dbu, note("met3 around via3 in one direction")]
    pin_strip: Annotated[Dbu, note("height of the bottom strip with the pins of bit lines")]
    edge: Annotated[Dbu, note("from other shapes to the boundary")]
    latch_up: Annotated[Dbu, note("largest distance from n-diffusion to a p-tap")]

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
    return parse(text, BankDims, f"base_chip/pdk/{pdk}/bank.yaml")
