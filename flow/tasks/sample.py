"""A small bank with random contents: what negative controls and LVS look at."""

__all__ = ["BIT_LINES", "TOP", "WORD_LINES", "SampleBank", "sample_bank"]

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from base_chip.bank import BankSpec, SiteGrid, build_bank, program_bank, write_layout

WORD_LINES, BIT_LINES = 64, 32
SEED = 1
TOP = "scf_sampled_banks"  # of the layout that shows banks of built dies


@dataclass(frozen=True)
class SampleBank:
    """A programmed bank.

    Attributes:
        bits: bool [word_lines, bit_lines].
        layout: GDS file; its top cell is `spec.name`.
        empty: Centre in nm of a site without a via, in the midst of the array.
    """

    spec: BankSpec
    bits: np.ndarray
    layout: Path
    empty: tuple[int, int]


def sample_bank(pdk: str, folder: Path, bits: np.ndarray | None = None) -> SampleBank:
    """Draw the bank into a folder; without bits [WORD_LINES, BIT_LINES], the same random ones each time."""
    spec = BankSpec(WORD_LINES, BIT_LINES, pdk=pdk)
    if bits is None:
        bits = np.random.default_rng(SEED).random((WORD_LINES, BIT_LINES)) < 0.5
    layout = build_bank(spec)
    program_bank(layout, spec, bits)
    path = folder / "sample.gds"
    write_layout(layout, path)
    sites = SiteGrid.of(spec)
    clear = np.argwhere(~bits)
    word, bit = clear[len(clear) // 2]
    nm = round(spec.process.dbu * 1000)
    return SampleBank(spec, bits, path, (int(sites.x[bit]) * nm, int(sites.y[word]) * nm))
