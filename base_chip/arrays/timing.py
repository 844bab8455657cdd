"""Timing of a ROM macro, as simulated: the table that its liberty is made from."""

__all__ = ["Arc", "RomCorner", "RomTiming", "load_timing", "timing_file"]

from importlib import resources
from pathlib import Path

import msgspec

from base_chip.arrays.spec import RomSpec
from rtl_gen.errors import FlowError

_AGAIN = "Make it again with: python -m base_chip.arrays.characterise (see docs/memories.md)"


class Arc(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An edge of q after clk falls, ns: from half the supply to half, [slews][loads], and 20 to 80 %."""

    delay: tuple[tuple[float, ...], ...]
    transition: tuple[float, ...]


class RomCorner(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was measured in one corner.

    Args:
        volts: Supply.
        celsius: Temperature.
        late: Whether `fall` is the latest of any cell and contents, or the earliest.
        fall: q falls, as there is a via.
        rise: q rises, as the latch opens on a bit line that is high.
        low_ns: Shortest low pulse of clk that reads the slowest bit line.
        high_ns: Shortest high pulse that brings it back to 95 %.
        setup_ns: Of each input, before clk falls.
        hold_ns: Of each input, after clk rises.
        kept_full, kept_empty: Lowest level of a bit line that stays high, as a part of the supply, while both
            beside it fall; with a via at every other row, and with none.
        dip: Of the supply as all bit lines precharge at once, as a part of it; one strap of the chip across
            the macro's middle feeds the macro's straps.
        read_pj: Energy of a read in which every bit line falls, and the precharge after it.
        leakage_uw: Of the periphery and the bit lines, precharging.
    """

    volts: float
    celsius: float
    late: bool
    fall: Arc
    rise: Arc
    low_ns: float
    high_ns: float
    setup_ns: dict[str, float]
    hold_ns: dict[str, float]
    kept_full: float
    kept_empty: float
    dip: float
    read_pj: float
    leakage_uw: float


class RomTiming(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Timing of one macro: slews of clk (ns, 20 to 80 %) and loads of q (fF), both ascending."""

    words: int
    bits: int
    slews_ns: tuple[float, ...]
    loads_ff: tuple[float, ...]
    corners: dict[str, RomCorner]


def timing_file(spec: RomSpec) -> str:
    """Name of a macro's table in its PDK's folder."""
    return f"timing_{spec.name}.json"


def load_timing(spec: RomSpec, path: Path | None = None) -> RomTiming:
    """The table that ships for a macro, or that of a file.

    Raises:
        FlowError: If that macro was not simulated, or the table is damaged or of another macro.
    """
    source = path or resources.files("base_chip.pdk").joinpath(spec.pdk, timing_file(spec))
    if not source.is_file():
        raise FlowError(f"no timing of {spec.name}", where=f"base_chip/pdk/{spec.pdk}", hint=_AGAIN)
    try:
        timing = msgspec.json.decode(source.read_bytes(), type=RomTiming)
    except msgspec.DecodeError as e:
        raise FlowError(f"not a macro's timing: {e}", where=source.name, hint=_AGAIN) from e
    if (timing.words, timing.bits) != (spec.words, spec.bits):
        raise FlowError(f"the timing is of {timing.words} x {timing.bits}", where=source.name, hint=_AGAIN)
    shape = len(timing.slews_ns), len(timing.loads_ff)
    for name, corner in timing.corners.items():
        for arc in (corner.fall, corner.rise):
            if {(len(arc.delay), len(row), len(arc.transition)) for row in arc.delay} != {(*shape, shape[1])}:
                message = f"{name}: a table is not {shape[0]} x {shape[1]}"
                raise FlowError(message, where=source.name, hint=_AGAIN)
    return timing
