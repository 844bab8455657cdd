"""Timing of an SRAM macro, as simulated: the table that its liberty is made from."""

__all__ = ["SramCorner", "SramTiming", "load_timing"]

from pathlib import Path

from base_chip.arrays.sram.spec import SramSpec
from base_chip.arrays.timing import MacroCorner, MacroTiming, read_timing


class SramCorner(MacroCorner, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An SRAM's corner.

    Args:
        kept: Lowest level of a bit line that stays high, as a part of the supply, while all others fall.
        write_pj: Energy of a write that turns over every bit of a word, and of all that follows from it.
    """

    kept: float
    write_pj: float


SramTiming = MacroTiming[SramCorner]


def load_timing(spec: SramSpec, path: Path | None = None) -> SramTiming:
    """The table that ships for a macro, or that of a file.

    Raises:
        FlowError: If that macro was not simulated, or the table is damaged or of another macro.
    """
    return read_timing(spec, SramCorner, "base_chip.arrays.characterise --kind sram", path)
