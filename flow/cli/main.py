"""Entry point: runs a command and turns every fault into one message and an exit status."""

__all__ = ["cli", "main"]

import os
import signal
import sys
import tempfile
import traceback
from pathlib import Path

import click

from flow.cli.base import base
from flow.cli.build import build
from flow.cli.diff import diff
from flow.cli.doctor import doctor
from flow.cli.models import models
from flow.cli.pdk import pdk
from flow.cli.plan import plan
from flow.cli.quantise import quantise
from flow.cli.show import show
from flow.cli.steps import clean, steps
from flow.files import cache_root
from rtl_gen.errors import FlowError

CRASHED = 70  # EX_SOFTWARE of sysexits.h: a fault of sc-flow itself
INTERRUPTED = 130
PATIENCE_S = 30  # for the steps to end after an interrupt; they end with this process at the latest


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="sc-flow", prog_name="sc-flow")
def cli() -> None:
    """Hardwire a language model as vias into a sky130 chip, and prove it step by step."""


for command in (build, plan, quantise, models, show, diff, doctor, pdk, base, steps, clean):
    cli.add_command(command)


def main(args: list[str] | None = None) -> int:
    """Run one command line; returns the exit status and raises nothing."""
    signal.signal(signal.SIGTERM, _interrupt)
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as it is for jobs that a shell runs behind
        signal.signal(signal.SIGINT, _interrupt)
    # A node of the flow is a fork of this process and sets its own handler while it works. Before and after
    # that a request to end ends it in silence: an interrupt in its exit handlers would print a traceback.
    os.register_at_fork(after_in_child=_as_a_step)
    try:
        result = cli.main(args=args, prog_name="sc-flow", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except FlowError as e:
        click.echo(f"sc-flow: error: {e}", err=True)
        return int(e.code)
    except click.ClickException as e:
        e.show()
        return e.exit_code
    except (KeyboardInterrupt, click.Abort):
        signal.alarm(0)
        click.echo("sc-flow: interrupted; run the same command again to go on where it stopped", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has gone (`sc-flow steps | head`); Python must not complain about it at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as e:  # the last resort: a person sees a sentence, the log holds the rest
        click.echo(f"sc-flow: internal error: {type(e).__name__}: {e}\n  Details: {_log(e)}", err=True)
        return CRASHED


def _interrupt(number: int, frame: object) -> None:
    """A polite request to end (CI cancels a job with it) is an interrupt: the steps are ended too.

    Should ending them hang, this process ends all the same: the steps go with it.
    """
    signal.signal(signal.SIGALRM, _give_up)
    signal.alarm(PATIENCE_S)
    raise KeyboardInterrupt


def _give_up(number: int, frame: object) -> None:
    os.write(2, b"sc-flow: interrupted; a step did not end in time and was left to end by itself\n")
    os._exit(INTERRUPTED)


def _as_a_step() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if signal.getsignal(signal.SIGINT) is _interrupt:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _log(error: Exception) -> Path:
    text = "".join(traceback.format_exception(error))
    for folder in (cache_root() / "logs", Path(tempfile.gettempdir())):
        path = folder / f"sc-flow-crash-{os.getpid()}.log"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
            return path
        except OSError:
            continue
    return Path(os.devnull)
