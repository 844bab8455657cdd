"""What lies in which rows of a ROM, as the step `image` tells it in `blocks.json`."""

__all__ = ["Block", "read_blocks"]

from pathlib import Path

import msgspec

from flow.stitching.contents import Block
from rtl_gen.errors import FlowError
from rtl_gen.untrusted import read_file

LARGEST = 64 << 20  # bytes


def read_blocks(path: Path) -> list[Block]:
    """The blocks of a ROM image; FlowError when the file is not that."""
    try:
        found = msgspec.json.decode(read_file(path, LARGEST), type=list[Block])
    except (msgspec.MsgspecError, RecursionError) as e:
        raise FlowError(
            f"cannot be read ({e})", where=str(path), hint="Build again: the folder was edited or cut."
        ) from e
    return [msgspec.structs.replace(b, name=b.name.split("[")[0]) for b in found]
