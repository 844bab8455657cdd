"""What lies in which rows of a ROM, as the step `image` tells it in `blocks.json`."""

__all__ = ["Block", "read_blocks"]

from pathlib import Path

import msgspec

from rtl_gen.errors import FlowError
from rtl_gen.untrusted import read_file

LARGEST = 64 << 20  # bytes


class Block(msgspec.Struct, frozen=True):
    """Rows of one matrix, table, or of the program.

    Attributes:
        name: A matrix has a block for each part of it, and one for its factors, all of one name.
        kind: "weights", "factors", "tables" or "program".
        start: First row.
        rows: Number of rows.
    """

    name: str
    kind: str
    start: int
    rows: int


def read_blocks(path: Path) -> list[Block]:
    """The blocks of a ROM image; FlowError when the file is not that."""
    try:
        found = msgspec.json.decode(read_file(path, LARGEST), type=list[Block])
    except (msgspec.MsgspecError, RecursionError) as e:
        raise FlowError(
            f"cannot be read ({e})", where=str(path), hint="Build again: the folder was edited or cut."
        ) from e
    return [msgspec.structs.replace(b, name=b.name.split("[")[0]) for b in found]
