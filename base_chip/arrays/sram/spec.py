"""What an SRAM macro is: its size, checked."""

__all__ = ["BYTE", "GROUP_ROWS", "SramSpec"]

from dataclasses import dataclass

from base_chip.arrays.spec import MacroSpec
from base_chip.arrays.sram.driver import IN_GROUP, ROWS

BYTE = 8
GROUP_ROWS = IN_GROUP * ROWS


@dataclass(frozen=True)
class SramSpec(MacroSpec):
    """An SRAM macro of whole bytes."""

    kind = "SRAM macro"
    prefix = "scf_ram"
    in_group = GROUP_ROWS
    most = (256, 128)
    column_step = BYTE

    @property
    def bytes(self) -> int:
        """Bytes of a word, each with an input write."""
        return self.bits // BYTE
