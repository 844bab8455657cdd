"""What an SRAM macro is: its size, checked."""

__all__ = ["BYTE", "SramSpec"]

from dataclasses import dataclass

from base_chip.arrays.sram.driver import IN_GROUP, ROWS
from base_chip.bank.spec import BankSpec
from rtl_gen.errors import ExitCode, FlowError

GROUP_ROWS = IN_GROUP * ROWS
BYTE = 8
_MOST_WORDS, _MOST_BITS = 256, 128


@dataclass(frozen=True)
class SramSpec:
    """An SRAM macro with its periphery inside; everything about it follows from these numbers.

    Args:
        words: Rows; a multiple of 8 up to 32, of 32 above.
        bits: Columns; whole bytes.
        pdk: Name of the process.

    Raises:
        FlowError: With `ExitCode.USAGE`, naming the number and what it must be.
    """

    words: int = 256
    bits: int = 128
    pdk: str = "sky130"

    def __post_init__(self) -> None:
        step = GROUP_ROWS if self.words <= 32 else 32
        self._require("words", GROUP_ROWS <= self.words <= _MOST_WORDS, f"from {GROUP_ROWS} to {_MOST_WORDS}")
        self._require("words", self.words % step == 0, f"a multiple of {step}")
        self._require("bits", BYTE <= self.bits <= _MOST_BITS, f"from {BYTE} to {_MOST_BITS}")
        self._require("bits", self.bits % BYTE == 0, f"a multiple of {BYTE}")
        _ = self.array

    def _require(self, field: str, ok: bool, expected: str) -> None:
        if not ok:
            raise FlowError(
                f"SRAM macro {field} is {getattr(self, field)}, it must be {expected}", code=ExitCode.USAGE
            )

    @property
    def name(self) -> str:
        """Cell, LEF macro, Verilog module and SPICE subcircuit name."""
        return f"scf_ram_{self.words}x{self.bits}"

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
        return self.words // GROUP_ROWS

    @property
    def bytes(self) -> int:
        """Bytes of a word, each with an input write."""
        return self.bits // BYTE
