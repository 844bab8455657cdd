"""The file of waivers that a build is given."""

__all__ = ["load_waivers"]

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from base_chip.schema import Name, bad, note, parse
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.untrusted import read_file
from signoff.waivers import WAIVABLE, Waiver, expired

LARGEST = 1 << 20  # bytes
Um = Annotated[float, note(unit="um")]


@dataclass(frozen=True)
class Entry:
    """The fields of `signoff.waivers.Waiver`, as people write them."""

    check: Annotated[Literal[WAIVABLE], note("row of the signoff table")]  # type: ignore[valid-type]
    rule: Annotated[Name, note("whole, as the tool names it; for `antenna` the layer")]
    region: Annotated[
        tuple[Um, Um, Um, Um], note("left, bottom, right, top; the fault must lie inside as a whole")
    ]
    reason: Annotated[Name, note("why the fault is accepted")]
    expires: Annotated[date, note("last day on which it holds")]
    cell: Annotated[str, note("cell in whose coordinates the region is; empty for the chip")] = ""


@dataclass(frozen=True)
class WaiverFile:
    """Accepted faults (`sc-flow build --waivers FILE`)."""

    waivers: Annotated[tuple[Entry, ...], note("accepted faults", length=1)]


def load_waivers(path: Path, today: date | None = None) -> tuple[Waiver, ...]:
    """Read a YAML file of waivers: a list under `waivers`, each with the fields of `Waiver`.

    Args:
        path: The file.
        today: The day on which they must hold; by default this one.

    Raises:
        FlowError: It cannot be read, a field is not as it should be, or a waiver has expired.
    """
    entries = parse(read_file(path, LARGEST), WaiverFile, str(path)).waivers
    for n, (left, bottom, right, top) in enumerate(e.region for e in entries):
        if left > right or bottom > top:
            raise bad(
                str(path),
                f"waivers[{n}].region",
                [left, bottom, right, top],
                "left <= right and bottom <= top",
            )
    waivers = tuple(Waiver(**vars(entry)) for entry in entries)
    if late := expired(waivers, today or date.today()):
        raise FlowError(
            f"expired: {'; '.join(f'{w} on {w.expires}' for w in late)}", where=str(path),
            hint="Look at the fault again; remove the waiver, or give it a new date.", code=ExitCode.USAGE,
        )  # fmt: skip
    return waivers
