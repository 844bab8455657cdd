"""Rows by which tokens come and go."""

__all__ = ["Tokens"]

from metal_configs.compile.program.part import Part
from metal_configs.compile.program.rows import Rows
from rtl_gen.golden.token_bytes import SPREAD
from rtl_gen.golden.vec_isa import Kind


class Tokens:
    """Writes rows for tokens, as the host and all dies of a chain have them.

    Attributes:
        size: Bytes of one (`rtl_gen.golden.token_bytes`).
    """

    def __init__(self, part: Part, rows: Rows) -> None:
        self._rows = rows
        self.size = 1 if part.model.shape.vocab <= 256 else 2
        if part.spread:
            self.size = SPREAD

    def receive(self) -> None:
        """Take one; of three bytes the first is taken as the third is."""
        if self.size == SPREAD:
            self._rows.control(Kind.RECEIVE_TOKEN, high=1)
        for n in range(min(self.size, 2)):
            self._rows.control(Kind.RECEIVE_TOKEN, high=n)

    def emit(self) -> None:
        """Say the token."""
        if self.size == SPREAD:
            self._rows.control(Kind.EMIT, high=1, sync=True)
        for n in range(min(self.size, 2)):
            self._rows.control(Kind.EMIT, high=n, sync=True)

    def pass_on(self, count: int) -> None:
        """Bytes to the next die, as they come."""
        for _ in range(count):
            self._rows.control(Kind.RECEIVE_TOKEN)
            self._rows.control(Kind.EMIT, sync=True)
