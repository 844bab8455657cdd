"""Files that appear whole or not at all."""

__all__ = ["whole_file"]

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from rtl_gen.errors import ExitCode, FlowError


@contextlib.contextmanager
def whole_file(path: Path, what: str, *, kept: str = "") -> Iterator[BinaryIO]:
    """A stream whose bytes become the file when the block ends well; nothing is left when it does not.

    Args:
        path: The file.
        what: What it is, for the message.
        kept: What a failure leaves as it was, for the message.

    Raises:
        FlowError: The file cannot be written (OUTPUT).
    """
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as stream:
            yield stream
        os.replace(part, path)
    except OSError as e:
        raise FlowError(
            f"cannot write {what} ({e.strerror})",
            where=str(path),
            hint=f"Check the output directory and its free space{'; ' + kept if kept else ''}.",
            code=ExitCode.OUTPUT,
        ) from e
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
