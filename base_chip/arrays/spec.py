"""What a memory macro is: its kind and size, checked."""

__all__ = ["MacroSpec", "RomSpec"]

from dataclasses import dataclass
from typing import Protocol

from base_chip.arrays.driver import GROUP_ROWS
from base_chip.arrays.latch import LEVELS
from base_chip.bank.spec import BankSpec
from rtl_gen.errors import ExitCode, FlowError

_COLUMNS = 32  # that a group has between two straps
_MOST = 512
_MUXES = 1, LEVELS


class MacroSpec(Protocol):
    """What all macros are made from."""

    @property
    def words(self) -> int: ...
    @property
    def bits(self) -> int: ...
    @property
    def outputs(self) -> int: ...
    @property
    def pdk(self) -> str: ...
    @property
    def name(self) -> str:
        """Cell, LEF macro, Verilog module and SPICE subcircuit name."""

    @property
    def array(self) -> BankSpec:
        """A bank of the macro's size, for the names and dimensions of its process."""


@dataclass(frozen=True)
class RomSpec:
    """A via-programmable ROM macro with its periphery inside; everything about it follows from these numbers.

    Args:
        words: Rows; a multiple of 8 up to 32, of 32 above.
        bits: Columns; a multiple of 32.
        pdk: Name of the process.
        mux: Neighbouring columns that share an output, of which inputs `select` choose one: 1 (there are
            none) or 4.

    Raises:
        FlowError: With `ExitCode.USAGE`, naming the number and what it must be.
    """

    words: int = 256
    bits: int = 128
    pdk: str = "sky130"
    mux: int = 1

    def __post_init__(self) -> None:
        step = GROUP_ROWS if self.words <= 32 else 32
        self._require("words", 8 <= self.words <= _MOST, f"from 8 to {_MOST}")
        self._require("words", self.words % step == 0, f"a multiple of {step}")
        self._require("bits", _COLUMNS <= self.bits <= _MOST, f"from {_COLUMNS} to {_MOST}")
        self._require("bits", self.bits % _COLUMNS == 0, f"a multiple of {_COLUMNS}")
        self._require("mux", self.mux in _MUXES, f"one of {_MUXES}")
        _ = self.array

    def _require(self, field: str, ok: bool, expected: str) -> None:
        if not ok:
            raise FlowError(
                f"ROM macro {field} is {getattr(self, field)}, it must be {expected}", code=ExitCode.USAGE
            )

    @property
    def name(self) -> str:
        """Cell, LEF macro, Verilog module and SPICE subcircuit name."""
        multiplexed = f"_mux{self.mux}" if self.mux > 1 else ""
        return f"scf_rom_{self.words}x{self.bits}{multiplexed}"

    @property
    def array(self) -> BankSpec:
        """The array of cells inside, which is drawn as a bank's."""
        return BankSpec(self.words, self.bits, pdk=self.pdk)

    @property
    def outputs(self) -> int:
        """Bits that one read brings."""
        return self.bits // self.mux

    @property
    def groups(self) -> int:
        """Groups of word lines, each with an input b_n."""
        return self.words // GROUP_ROWS
