"""Memory that a command no longer needs goes back to the system."""

__all__ = ["give_back"]

import contextlib
import ctypes


def give_back() -> None:
    """Return the free pages of the C library's heap, which it keeps after large arrays of one stage.

    Does nothing where the library is not glibc.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
