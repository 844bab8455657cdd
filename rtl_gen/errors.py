"""The error that people see: what happened, where, why, and what to do next."""

__all__ = ["ExitCode", "FlowError"]

import enum


class ExitCode(enum.IntEnum):
    """Exit statuses of `sc-flow`, documented in docs/errors.md."""

    CHECK_FAILED = 1  # a check ran and found a fault
    USAGE = 2  # unknown command, option, model, base or PDK
    BAD_INPUT = 3  # a checkpoint, config or artifact is missing, damaged or does not fit
    MISSING_TOOL = 4  # an external tool or PDK file is not there
    TOOL_FAILED = 5  # an external tool ran and failed
    OUTPUT = 6  # the output directory cannot be written, is full, or is in use


class FlowError(Exception):
    """A fault with a message for a person; it never reaches the user as a traceback.

    Args:
        what: What went wrong, naming the value found and the one expected.
        where: File, tensor, layer or step, when there is one.
        hint: What to do next.
        code: Exit status of the process.
    """

    def __init__(
        self, what: str, *, where: str = "", hint: str = "", code: ExitCode = ExitCode.BAD_INPUT
    ) -> None:
        self.what, self.where, self.hint, self.code = what, where, hint, code
        text = f"{where}: {what}" if where else what
        super().__init__(f"{text}\n  {hint}" if hint else text)
