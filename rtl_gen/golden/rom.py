"""Where a bit of the ROM lies: logical rows and bits to banks, word lines and bit lines."""

__all__ = ["RomGeometry"]

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from msgspec import Meta


@dataclass(frozen=True)
class RomGeometry:
    """A ROM of `rows` logical rows of `bits` bits, in `banks` equal arrays.

    Each bank has `word_lines` word lines and `bits * mux` bit lines; one word line holds `mux`
    logical rows, bit by bit side by side, and a multiplexer outside the bank picks one of them.
    """

    banks: Annotated[int, Meta(ge=1, description="banks, equal in size")]
    word_lines: Annotated[int, Meta(ge=1, description="word lines per bank")]
    bits: Annotated[int, Meta(ge=1, description="bits per logical row")]
    mux: Annotated[int, Meta(ge=1, description="logical rows per word line")]

    @property
    def bit_lines(self) -> int:
        return self.bits * self.mux

    @property
    def rows(self) -> int:
        return self.banks * self.word_lines * self.mux

    def to_banks(self, image: np.ndarray) -> np.ndarray:
        """Lay logical rows out in banks.

        Args:
            image: bool [rows, bits].

        Returns:
            bool [banks, word_lines, bit_lines]: row r, bit b lies in bank r // (word_lines * mux),
            on word line (r // mux) % word_lines and on bit line b * mux + r % mux.
        """
        if image.shape != (self.rows, self.bits):
            raise ValueError(f"image is {image.shape}, expected {(self.rows, self.bits)}")
        a = image.reshape(self.banks, self.word_lines, self.mux, self.bits)
        return a.transpose(0, 1, 3, 2).reshape(self.banks, self.word_lines, self.bit_lines)
