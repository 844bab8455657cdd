"""What a bank is: its size and options, checked."""

__all__ = ["BankSpec", "CheckedSpec"]

from dataclasses import dataclass
from typing import ClassVar

from base_chip.bank.dims import BankDims, load_dims
from base_chip.pdk import Pdk, load_pdk
from rtl_gen.errors import ExitCode, FlowError

_MAX_LINES = 1024
_FINGERS = (4, 6, 8)


class CheckedSpec:
    """What banks and macros have in common: numbers that are checked as they are made.

    Attributes:
        kind: As messages call it.
    """

    kind: ClassVar[str]

    def _require(self, field: str, ok: bool, expected: str) -> None:
        if not ok:
            raise FlowError(
                f"{self.kind} {field} is {getattr(self, field)}, it must be {expected}", code=ExitCode.USAGE
            )


@dataclass(frozen=True)
class BankSpec(CheckedSpec):
    """One via-programmable ROM bank; everything about it follows from these numbers.

    Args:
        word_lines: Rows; a multiple of 2, and of `rows_per_tap` if there are more than that.
        bit_lines: Columns; a multiple of 8.
        rows_per_tap: Rows between two rows of substrate taps (latch-up).
        columns_per_strap: Bit lines between two ground straps, a multiple of 8.
        precharge_fingers: Parallel PMOS gates that precharge one bit line.
        pdk: Name of the process.

    Raises:
        FlowError: With `ExitCode.USAGE`, naming the number and what it must be.
    """

    kind = "bank"

    word_lines: int = 256
    bit_lines: int = 256
    rows_per_tap: int = 32
    columns_per_strap: int = 32
    precharge_fingers: int = 4
    pdk: str = "sky130"

    def __post_init__(self) -> None:
        dims = load_dims(self.pdk)
        self._require("word_lines", 2 <= self.word_lines <= _MAX_LINES, f"from 2 to {_MAX_LINES}")
        self._require("word_lines", self.word_lines % 2 == 0, "even: two rows share a source")
        self._require("bit_lines", 8 <= self.bit_lines <= _MAX_LINES, f"from 8 to {_MAX_LINES}")
        self._require("bit_lines", self.bit_lines % 8 == 0, "a multiple of 8")
        self._require("rows_per_tap", self.rows_per_tap >= 2, "at least 2")
        self._require("rows_per_tap", self.rows_per_tap % 2 == 0, "even: two rows share a source")
        reach = dims.tap_reach(self.rows_per_tap)
        self._require(
            "rows_per_tap",
            reach <= dims.latch_up,
            f"smaller: n-diff {reach / 1000:g} um from a tap, latch-up allows {dims.latch_up / 1000:g} um",
        )
        if self.word_lines > self.rows_per_tap:
            self._require(
                "word_lines",
                self.word_lines % self.rows_per_tap == 0,
                f"a multiple of rows_per_tap ({self.rows_per_tap}), or smaller than it",
            )
        strap = self.columns_per_strap
        self._require("columns_per_strap", strap >= 8 and strap % 8 == 0, "a multiple of 8")
        self._require("precharge_fingers", self.precharge_fingers in _FINGERS, f"one of {_FINGERS}")

    @property
    def name(self) -> str:
        """Cell, LEF macro, Verilog module and SPICE subcircuit name."""
        return f"scf_bank_{self.word_lines}x{self.bit_lines}"

    @property
    def process(self) -> Pdk:
        """Layer numbers and device names."""
        return load_pdk(self.pdk)

    @property
    def dims(self) -> BankDims:
        """Dimensions of the process's bank cell."""
        return load_dims(self.pdk)
