"""How the command tells a fault."""

__all__ = ["say_error", "say_errors"]

from collections.abc import Iterable

import click

from rtl_gen.errors import ExitCode, FlowError

# Where an error itself does not know it.
_NEXT: dict[int, str] = {
    ExitCode.USAGE: "--help shows what can be given.",
    ExitCode.BAD_INPUT: "Mend the file, or fetch or make it again; docs/errors.md has the codes.",
    ExitCode.MISSING_TOOL: "`sc-flow doctor` lists what is missing and how to install it.",
    ExitCode.TOOL_FAILED: "Run the same command again; what is finished is kept.",
    ExitCode.OUTPUT: "Choose another folder with --out (cache: SCF_CACHE).",
}


def say_error(e: FlowError, code: int | None = None) -> int:
    """Print one message: where, what, and what to do next; returns the exit status.

    Args:
        e: The error.
        code: Status, where it is none of an error's own.
    """
    status = int(e.code if code is None else code)
    more = "" if e.hint or status not in _NEXT else f"\n  {_NEXT[status]}"
    click.echo(f"sc-flow: error: {e}{more}", err=True)
    return status


def say_errors(errors: Iterable[tuple[FlowError, int]]) -> None:
    """Print the message of each step that could not be done; a full disk once, however many met it."""
    full = False
    for error, code in errors:
        if code != ExitCode.OUTPUT or not full:
            say_error(error, code)
        full = full or code == ExitCode.OUTPUT
