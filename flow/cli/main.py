"""Entry point: runs a command and turns every fault into one message and an exit status."""

__all__ = ["cli", "main"]

import io
import logging
import os
import sys
import tempfile
import traceback
from pathlib import Path

import click

from flow.cli.base import base
from flow.cli.build import build
from flow.cli.diff import diff
from flow.cli.doctor import doctor
from flow.cli.messages import say_error
from flow.cli.models import models
from flow.cli.pdk import pdk
from flow.cli.plan import plan
from flow.cli.precheck import precheck
from flow.cli.quantise import quantise
from flow.cli.show import show
from flow.cli.steps import clean, steps
from flow.cli.verify import reproduce, verify
from flow.cli.where import where
from flow.files import cache_root, disk_fault
from flow.supervisor import CRASHED, INTERRUPTED, guarded
from rtl_gen.errors import ExitCode, FlowError, printable


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="sc-flow", prog_name="sc-flow")
def cli() -> None:
    """Hardwire a language model as vias into a sky130 chip, and prove it step by step."""


for command in (
    build,
    plan,
    quantise,
    models,
    show,
    where,
    diff,
    precheck,
    verify,
    reproduce,
    doctor,
    pdk,
    base,
    steps,
    clean,
):
    cli.add_command(command)


def main(args: list[str] | None = None) -> int:
    """Run one command line; returns the exit status and raises nothing.

    That of the process runs below a guard, which ends what it leaves; one that is given runs right here.
    """
    return guarded(_command) if args is None else _command(args)


def _command(args: list[str] | None = None) -> int:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name that the terminal's encoding lacks ends nothing
            stream.reconfigure(errors="backslashreplace")
    logging.raiseExceptions = False  # a log that cannot be written must not print a traceback for each line
    try:
        _check_folder()
        result = cli.main(args=args, prog_name="sc-flow", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except FlowError as e:
        return say_error(e)
    except click.exceptions.NoArgsIsHelpError as e:
        e.show()
        return e.exit_code
    except click.ClickException as e:
        return say_error(_usage(e))
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has gone (`sc-flow steps | head`); Python must not complain about it at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as e:  # the last resort: a person sees a sentence, the log holds the rest
        if fault := disk_fault(e, Path(".")):
            return say_error(fault)
        what = printable(f"{type(e).__name__}: {e}")
        click.echo(f"sc-flow: error: internal error: {what}\n  Details: {_log(e)}", err=True)
        return CRASHED


def _check_folder() -> None:
    try:
        os.getcwd()
    except OSError as e:
        raise FlowError(
            f"the folder that this was started in is gone ({e.strerror})", hint="Change to another.",
            code=ExitCode.OUTPUT,
        ) from e  # fmt: skip


def _usage(e: click.ClickException) -> FlowError:
    """What click found wrong with the command line, in the form of all messages."""
    context = getattr(e, "ctx", None)
    path = context.command_path if context else "sc-flow"
    return FlowError(
        e.format_message().replace("\n", " "), where=path.removeprefix("sc-flow").strip(),
        hint=f"`{path} --help` shows how to use it.", code=ExitCode.USAGE,
    )  # fmt: skip


def _log(error: Exception) -> Path:
    """Keep the details in a file of a new name, which nobody else can have laid a link under, or read."""
    text = "".join(traceback.format_exception(error))
    # Not the folder for temporary files, which goes with this process.
    for folder in (cache_root() / "logs", Path.cwd()):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            fd, name = tempfile.mkstemp(prefix="sc-flow-crash-", suffix=".log", dir=folder)
            with os.fdopen(fd, "w", encoding="utf-8", errors="backslashreplace") as f:
                f.write(text)
            return Path(name)
        except OSError:
            continue
    return Path(os.devnull)
