"""Whose each ROM bit of the dies of a finished build is."""

__all__ = ["ChipTold", "chip_told", "owners_of"]

from pathlib import Path

import msgspec

from base_chip.dies import Floorplan
from flow.stitching.column import die_column
from flow.stitching.contents import CONTENTS, LARGEST, read_contents
from flow.stitching.owners import Owners, owners
from flow.tasks.die.programmed import CHIP
from rtl_gen.errors import FlowError
from rtl_gen.untrusted import read_file


class ChipTold(msgspec.Struct):
    """What `compile` says of the chip: how many dies, and the instances of the ROM macros of each."""

    dies: int
    roms: list[str]


def chip_told(build: Path) -> ChipTold:
    """What a build made, which has come as far as the step `metal`.

    Raises:
        FlowError: It has not, or is on dies that are planned.
    """
    path = build / "compile" / CHIP
    for needed in (path, path.with_name(CONTENTS)):
        _must_be(needed, build)
    try:
        told = msgspec.json.decode(read_file(path, LARGEST), type=ChipTold)
    except (msgspec.MsgspecError, RecursionError) as e:
        raise FlowError(
            f"cannot be read ({e})", where=str(path), hint="Build again: the folder was edited or cut."
        ) from e
    for die in range(told.dies):
        for name in ("manifest.json", "chip.oas"):
            _must_be(build / "metal" / f"die{die}" / name, build)
    return told


def owners_of(build: Path, told: ChipTold, base: Floorplan, die: int) -> Owners:
    """Whose each bit of the ROM macros of a die is, macros in the order of `flow.stitching.roms.die_sites`.

    Args:
        build, told: A build, and what it told of its chip.
        base: Which it is on.
        die: Number in the chain.

    Raises:
        FlowError: The build is damaged.
    """
    words, bits = base.sites.shape
    return owners(told.roms, words, bits, read_contents(build / "compile", die), die_column(base).rom)


def _must_be(path: Path, build: Path) -> None:
    if not path.is_file():
        raise FlowError(
            f"no chip there ({path.relative_to(build)} is missing)", where=str(build),
            hint="Give build/<name> of a build that has come as far as the step `metal`.",
        )  # fmt: skip
