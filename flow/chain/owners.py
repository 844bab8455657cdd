"""Whose each ROM bit of the dies of a finished build is."""

__all__ = ["ChipTold", "chip_told", "owners_of"]

from pathlib import Path

import msgspec

from base_chip.dies import load_die
from flow.request import BuildConfig
from flow.stitching.column import die_column
from flow.stitching.contents import CONTENTS, LARGEST, Block, die_contents, read_contents
from flow.stitching.owners import Owners, owners
from flow.tasks.die.programmed import CHIP
from flow.tasks.integer_model import golden_model
from metal_configs.compile.program.fit import fit_dies
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


def owners_of(build: Path, config: BuildConfig, die: int) -> Owners:
    """Whose each bit of the ROM macros of a die is, macros in the order of `flow.stitching.roms.die_sites`.

    Raises:
        FlowError: The build is damaged.
    """
    base, chip = load_die(config.base), chip_told(build)
    contents = _contents(build, config, die, chip.dies)
    words, bits = base.sites.shape
    return owners(chip.roms, words, bits, contents, die_column(base).rom)


def _must_be(path: Path, build: Path) -> None:
    if not path.is_file():
        raise FlowError(
            f"no chip there ({path.relative_to(build)} is missing)", where=str(build),
            hint="Give build/<name> of a build that has come as far as the step `metal`.",
        )  # fmt: skip


def _contents(build: Path, config: BuildConfig, die: int, dies: int) -> dict[str, list[Block]]:
    """Of the first die as `compile` told it; a later one's is compiled again."""
    if die == 0:
        return read_contents(build / "compile")
    base = load_die(config.base)
    model = golden_model(build / "quantise", config.context or base.context).model
    return die_contents(fit_dies(model, die_column(base), dies=dies)[die][0])
