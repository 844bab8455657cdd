"""What a model makes of a die of one column of tiles."""

__all__ = ["DieImage"]

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.adapter_rows import AdapterRows
from rtl_gen.golden.array import ArrayModel
from rtl_gen.golden.token_bytes import to_bytes
from rtl_gen.golden.vec_isa import Row


@dataclass(frozen=True)
class DieImage:
    """What a model makes of a die of one column of tiles with a vec tile below it.

    Attributes:
        array: The rom tiles, one in a row.
        skipped: Rows of rom tiles that the vec tile sends steps to and that are not there, the northernmost.
        ram_rows, ram_words: The ram tiles to the south of them, and their rows.
        ram_used: Rows of all ram tiles that the model takes.
        memory: Words of M that the program uses.
        activations: Bytes of the banks of A: of one of rom tiles, and of that of the ram tiles.
        program: Rows of the vec tile.
        phases: What each is for.
        words: uint16: factors and tables.
        at: Where the factors of each matrix, and each table, begin in them.
        context: Positions that a sequence may have.
        token_bytes, count_bytes: Of a token (`token_bytes`) and of the number of tokens, in requests and
            answers.
        adapters: The room for an adapter, which the host loads after a reset; of no rows if there is none.
        begins: Of matrices whose outputs are cut over dies, by name, the first one here.
        greedy: The head of the chain is cut over dies, which find the likeliest token and draw none.
    """

    array: ArrayModel
    skipped: int
    ram_rows: int
    ram_words: int
    ram_used: int
    memory: int
    activations: tuple[int, int]
    program: tuple[Row, ...]
    phases: tuple[str, ...]
    words: np.ndarray
    at: Mapping[str, int]
    context: int
    token_bytes: int
    count_bytes: int
    adapters: AdapterRows
    begins: Mapping[str, int]
    greedy: bool

    def request(self, prompt: list[int], beta: int, seed: int) -> bytes:
        """What the host sends for a text, to a die or to the first of a chain.

        Raises:
            FlowError: A token is to be drawn, of a chain that finds the likeliest alone.
        """
        if self.greedy and beta:
            raise FlowError(
                f"an inverse temperature of {beta}: the head is cut over dies, none of which has all logits",
                hint="Ask with temperature 0, for the likeliest token.", code=ExitCode.USAGE,
            )  # fmt: skip
        tokens = b"".join(to_bytes(t, self.token_bytes) for t in prompt)
        count = len(prompt).to_bytes(self.count_bytes, "little")
        return seed.to_bytes(4, "little") + bytes([beta]) + count + tokens
