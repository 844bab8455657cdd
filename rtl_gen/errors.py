"""The error that people see: what happened, where, why, and what to do next."""

__all__ = ["ExitCode", "FlowError", "ending", "printable"]

import enum
import signal
import unicodedata

# Letters from right to left are fine; what turns the order of a line around is not.
_TURNS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class ExitCode(enum.IntEnum):
    """Exit statuses of `sc-flow`, documented in docs/errors.md."""

    CHECK_FAILED = 1  # a check ran and found a fault
    USAGE = 2  # unknown command, option, model, base or PDK
    BAD_INPUT = 3  # a checkpoint, config or artifact is missing, damaged or does not fit
    MISSING_TOOL = 4  # an external tool or PDK file is not there
    TOOL_FAILED = 5  # an external tool ran and failed
    OUTPUT = 6  # the output directory cannot be written, is full, or is in use


def printable(text: str, keep: str = "") -> str:
    """Text from a file, made safe for a terminal: control characters are escaped, but for those to keep."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c in keep or not _controls(c) else repr(c)[1:-1] for c in text)


def _controls(c: str) -> bool:
    return unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") or c in _TURNS


class FlowError(Exception):
    """A fault with a message for a person; it never reaches the user as a traceback.

    Names from files may stand in it as they are: control characters are escaped.

    Args:
        what: What went wrong, naming the value found and the one expected.
        where: File, tensor, layer or step, when there is one.
        hint: What to do next.
        code: Exit status of the process.
    """

    def __init__(
        self, what: str, *, where: str = "", hint: str = "", code: ExitCode = ExitCode.BAD_INPUT
    ) -> None:
        self.what, self.where = printable(what), printable(where)
        self.hint, self.code = printable(hint, "\n"), code
        text = f"{self.where}: {self.what}" if where else self.what
        super().__init__(f"{text}\n  {self.hint}" if hint else text)


def ending(status: int) -> str:
    """How a process ended, in words: "was ended by SIGKILL", "ended with status 3".

    Args:
        status: As `subprocess` gives it: negative for a signal. A shell in between adds 128 to the signal.
    """
    number = -status if status < 0 else status - 128
    if number > 0:
        try:
            return f"was ended by {signal.Signals(number).name}"
        except ValueError:
            pass
    return f"ended with status {status}"
