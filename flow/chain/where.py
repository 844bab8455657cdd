"""Where a weight lies on the dies of a chain, and what lies at a place."""

__all__ = ["Spot", "at_point", "of_weight"]

import difflib
import re
from dataclasses import dataclass

import numpy as np

from flow.chain.ground import Ground
from metal_configs.compile import Placement
from metal_configs.compile.matrix import FACTOR_BITS
from metal_configs.compile.placement import FACTOR, VEC
from rtl_gen.errors import ExitCode, FlowError

NAMED = re.compile(r"([\w.]{1,100})\[\s*(\d{1,9})\s*,\s*(\d{1,9}|factor)\s*\]")


@dataclass(frozen=True)
class Spot:
    """One bit and its via.

    Attributes:
        matrix: Name; empty where nothing lies.
        output, source, bit: Of the matrix; source is `FACTOR` for a bit of the output's factor.
        die: Number in the chain.
        row, column: Of the tile; row `VEC` for a vec tile.
        macro: In the tile.
        bank: Number on the die, as read-back counts.
        word_line, bit_line: In the macro.
        x, y: Centre on the die, um.
    """

    matrix: str
    output: int
    source: int
    bit: int
    die: int
    row: int
    column: int
    macro: int
    bank: int
    word_line: int
    bit_line: int
    x: float
    y: float

    @property
    def tile(self) -> str:
        """The tile in words."""
        return f"vec {self.column}" if self.row == VEC else f"rom {self.row},{self.column}"

    @property
    def weight(self) -> str:
        """What lies there, in words that `of_weight` reads."""
        if not self.matrix:
            return "nothing"
        return f"{self.matrix}[{self.output},{'factor' if self.source == FACTOR else self.source}]"


def of_weight(placed: Placement, ground: Ground, text: str) -> list[Spot]:
    """The bits of a weight such as layers.3.down[17,204], or of a factor, layers.3.down[17,factor].

    Raises:
        FlowError: The model has no such weight (USAGE).
    """
    match = NAMED.fullmatch(text.strip())
    if not match:
        raise FlowError(
            f"{text!r:.80} names no weight", code=ExitCode.USAGE,
            hint="Give matrix, output and input, such as layers.3.down[17,204], or [17,factor].",
        )  # fmt: skip
    name, output = match[1], int(match[2])
    names = [m.name for m in placed.matrices]
    if name not in names:
        near = difflib.get_close_matches(name, names, 1)
        raise FlowError(
            f"no matrix {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""), code=ExitCode.USAGE,
            hint=f"The matrices of this model are {names[0]}, {names[1]} ... {names[-1]}.",
        )  # fmt: skip
    number = names.index(name)
    m = placed.matrices[number]
    source = FACTOR if match[3] == "factor" else int(match[3])
    if output >= m.outputs or source >= m.inputs:
        raise FlowError(
            f"{name} has outputs 0 to {m.outputs - 1} and inputs 0 to {m.inputs - 1}, not"
            f" [{output},{match[3]}]",
            code=ExitCode.USAGE,
        )
    bits = np.arange(FACTOR_BITS if source == FACTOR else m.bits)
    site = placed.site(number, np.array(output), np.array(source), bits)
    return [
        _spot(ground, (name, output, source, bit), *(int(a[bit]) for a in site))
        for bit in range(len(site.die))
    ]


def _spot(
    ground: Ground,
    held: tuple[str, int, int, int],
    die: int,
    row: int,
    column: int,
    macro: int,
    word_line: int,
    bit_line: int,
) -> Spot:
    bank = ground.bank((row, column, macro))
    x, y = ground.centre(bank, word_line, bit_line)
    return Spot(*held, die, row, column, macro, bank, word_line, bit_line, x / 1000, y / 1000)


def at_point(placed: Placement, ground: Ground, die: int, x: float, y: float) -> Spot:
    """What lies at a point of a die, um: at the nearest site, if that is no more than a via away.

    Raises:
        FlowError: There is no such die, or no site (USAGE).
    """
    if not 0 <= die < len(placed.dies):
        raise FlowError(
            f"there is no die {die}, the chain has {len(placed.dies)}: 0 to {len(placed.dies) - 1}",
            code=ExitCode.USAGE,
        )
    found = ground.site(x * 1000, y * 1000)
    if found is None:
        raise FlowError(
            f"no ROM site of weights at {x:g}, {y:g} um", code=ExitCode.USAGE,
            hint="Sites are in the ROM macros; `sc-flow show` shows them.",
        )  # fmt: skip
    tile, word_line, bit_line = found
    place = (*tile, word_line, bit_line)
    w = placed.weight(die, *(np.array([v]) for v in place))
    number, output, source, bit = (int(v[0]) for v in w)
    return _spot(
        ground, (placed.matrices[number].name if number >= 0 else "", output, source, bit), die, *place
    )
