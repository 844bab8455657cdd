"""Timing of a memory macro, as simulated: the table that its liberty is made from."""

__all__ = [
    "Arc",
    "MacroCorner",
    "MacroTiming",
    "RomCorner",
    "RomTiming",
    "load_timing",
    "read_timing",
    "timing_file",
]

from importlib import resources
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from base_chip.arrays.spec import MacroSpec, RomSpec
from rtl_gen.errors import FlowError


class Arc(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An edge of q after clk falls, ns: from half the supply to half, [slews][loads], and 20 to 80 %."""

    delay: tuple[tuple[float, ...], ...]
    transition: tuple[float, ...]


class MacroCorner(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What was measured of any macro in one corner.

    Args:
        volts: Supply.
        celsius: Temperature.
        late: Whether `fall` is the latest of any cell and contents, or the earliest.
        fall: q falls, as its bit line does.
        rise: q rises, as the latch opens on a bit line that is high.
        low_ns: Shortest low pulse of clk that reads the slowest bit line, and writes the slowest cell.
        high_ns: Shortest high pulse that brings it back to 95 %.
        setup_ns: Of each input, before clk falls.
        hold_ns: Of each input, after clk rises.
        dip: Of the supply as all bit lines precharge at once, as a part of it; one strap of the chip across
            the macro's middle feeds the macro's straps.
        read_pj: Energy of a read in which every bit line falls, and the precharge after it.
        leakage_uw: Of the macro that rests, precharging.
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
    dip: float
    read_pj: float
    leakage_uw: float


class RomCorner(MacroCorner, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A ROM's corner; its leakage is that of the periphery and the bit lines.

    Args:
        kept_full, kept_empty: Lowest level of a bit line that stays high, as a part of the supply, while both
            beside it fall; with a via at every other row, and with none.
    """

    kept_full: float
    kept_empty: float


Corner = TypeVar("Corner", bound=MacroCorner)


class MacroTiming(msgspec.Struct, Generic[Corner], frozen=True, forbid_unknown_fields=True):
    """Timing of one macro: slews of clk (ns, 20 to 80 %) and loads of q (fF), both ascending."""

    words: int
    bits: int
    slews_ns: tuple[float, ...]
    loads_ff: tuple[float, ...]
    corners: dict[str, Corner]
    mux: int = 1

    def at(self, corner: str) -> Corner:
        """What was measured in a corner.

        Raises:
            FlowError: If nothing was.
        """
        if corner not in self.corners:
            raise FlowError(f"no timing in corner {corner!r}, there are: {', '.join(self.corners)}")
        return self.corners[corner]


RomTiming = MacroTiming[RomCorner]


def timing_file(spec: MacroSpec) -> str:
    """Name of a macro's table in its PDK's folder."""
    return f"timing_{spec.name}.json"


def load_timing(spec: RomSpec, path: Path | None = None) -> RomTiming:
    """The table that ships for a ROM macro, or that of a file.

    Raises:
        FlowError: If that macro was not simulated, or the table is damaged or of another macro.
    """
    timing = read_timing(spec, RomCorner, "base_chip.arrays.characterise", path)
    if timing.mux != spec.mux:
        raise FlowError(f"the timing is of mux {timing.mux}, not {spec.mux}", where=str(path))
    return timing


def read_timing(spec: MacroSpec, kind: type[Corner], command: str, path: Path | None) -> MacroTiming[Corner]:
    """A macro's table, checked.

    Args:
        spec: The macro.
        kind: Of its corners.
        command: The module that makes it.
        path: A file; None for the table that ships.

    Raises:
        FlowError: If there is none, or it is damaged or of another macro.
    """
    again = f"Make it again with: python -m {command} (see docs/memories.md)"
    source = path or resources.files("base_chip.pdk").joinpath(spec.pdk, timing_file(spec))
    if not source.is_file():
        raise FlowError(f"no timing of {spec.name}", where=f"base_chip/pdk/{spec.pdk}", hint=again)
    try:
        timing: MacroTiming[Corner] = msgspec.json.decode(
            source.read_bytes(),
            type=MacroTiming[kind],  # type: ignore[valid-type]  # a class that is known when it runs
        )
    except msgspec.DecodeError as e:
        raise FlowError(f"not a macro's timing: {e}", where=source.name, hint=again) from e
    if (timing.words, timing.bits) != (spec.words, spec.bits):
        raise FlowError(f"the timing is of {timing.words} x {timing.bits}", where=source.name, hint=again)
    shape = len(timing.slews_ns), len(timing.loads_ff)
    for name, corner in timing.corners.items():
        for arc in (corner.fall, corner.rise):
            if {(len(arc.delay), len(row), len(arc.transition)) for row in arc.delay} != {(*shape, shape[1])}:
                message = f"{name}: a table is not {shape[0]} x {shape[1]}"
                raise FlowError(message, where=source.name, hint=again)
    return timing
