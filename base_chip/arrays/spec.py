"""What a memory macro is: its kind and size, checked."""

__all__ = ["MacroSpec", "RomSpec"]

from dataclasses import dataclass
from typing import ClassVar

from base_chip.arrays.driver import GROUP_ROWS
from base_chip.arrays.latch import LEVELS
from base_chip.bank.spec import BankSpec, CheckedSpec

_BLOCK = 32  # rows between two rows of taps
_MUXES = 1, LEVELS


@dataclass(frozen=True)
class MacroSpec(CheckedSpec):
    """A memory macro with its periphery inside; everything about it follows from these numbers.

    Args:
        words: Rows; a multiple of those of a group up to 32, of 32 above.
        bits: Columns; a multiple of `column_step`.
        pdk: Name of the process.

    Attributes:
        prefix: Of its name.
        in_group: Rows of a group, which has an input b_n.
        most: Words and bits.
        column_step: Columns that are drawn together.

    Raises:
        FlowError: With `ExitCode.USAGE`, naming the number and what it must be.
    """

    prefix: ClassVar[str]
    in_group: ClassVar[int]
    most: ClassVar[tuple[int, int]]
    column_step: ClassVar[int]

    words: int = 256
    bits: int = 128
    pdk: str = "sky130"

    def __post_init__(self) -> None:
        row_step = self.in_group if self.words <= _BLOCK else _BLOCK
        for name, least, most, step in (
            ("words", self.in_group, self.most[0], row_step),
            ("bits", self.column_step, self.most[1], self.column_step),
        ):
            self._require(name, least <= getattr(self, name) <= most, f"from {least} to {most}")
            self._require(name, getattr(self, name) % step == 0, f"a multiple of {step}")
        _ = self.array

    @property
    def name(self) -> str:
        """Cell, LEF macro, Verilog module and SPICE subcircuit name."""
        return f"{self.prefix}_{self.words}x{self.bits}"

    @property
    def array(self) -> BankSpec:
        """A bank of this size, for the names and dimensions of its process."""
        return BankSpec(self.words, self.bits, pdk=self.pdk)

    @property
    def outputs(self) -> int:
        """Bits that one read brings."""
        return self.bits

    @property
    def groups(self) -> int:
        """Groups of rows, each with an input b_n."""
        return self.words // self.in_group


@dataclass(frozen=True)
class RomSpec(MacroSpec):
    """A via-programmable ROM macro, whose array is drawn as a bank's.

    Args:
        mux: Neighbouring columns that share an output, of which inputs `select` choose one: 1 (there are
            none) or 4.
    """

    kind = "ROM macro"
    prefix = "scf_rom"
    in_group = GROUP_ROWS
    most = (512, 512)
    column_step = 32  # between two straps

    mux: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("mux", self.mux in _MUXES, f"one of {_MUXES}")

    @property
    def name(self) -> str:
        return super().name + (f"_mux{self.mux}" if self.mux > 1 else "")

    @property
    def outputs(self) -> int:
        return self.bits // self.mux
