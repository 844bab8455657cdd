"""Runs the compilers of a simulation."""

__all__ = ["run_tool", "running"]

import contextlib
import os
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

from rtl_gen.errors import ExitCode, FlowError, ending

TIMEOUT_S = 1800


def run_tool(command: list[str], work: Path, name: str, packages: str) -> None:
    """Run a tool in `work`; FlowError with its first complaint when it fails.

    Args:
        command: What to run.
        work: Folder; the output goes to `<name>.log` in it.
        name: Of the step, for messages.
        packages: Debian packages that hold the tool.
    """
    log = work / f"{name}.log"
    try:
        with log.open("w") as out:
            done = subprocess.run(
                command,
                cwd=work,
                env={**os.environ, "LC_ALL": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                timeout=TIMEOUT_S,
            )
    except FileNotFoundError as e:
        raise FlowError(
            f"{command[0]} is not installed", hint=f"apt-get install {packages}", code=ExitCode.MISSING_TOOL
        ) from e
    except OSError as e:
        raise FlowError(
            f"{command[0]} cannot be started ({e.strerror or e})", where=name, code=ExitCode.TOOL_FAILED
        ) from e
    except subprocess.TimeoutExpired as e:
        raise FlowError(
            f"{name} did not end within {TIMEOUT_S} s", where=str(log), code=ExitCode.TOOL_FAILED
        ) from e
    if done.returncode:
        lines = log.read_text(errors="replace").splitlines()
        first = next((x for x in lines if "error" in x.lower()), lines[-1] if lines else "")
        why = f"{Path(command[0]).name} {ending(done.returncode)}{first and ': '}{first}"
        raise FlowError(f"{name} failed: {why}", where=str(log), code=ExitCode.TOOL_FAILED)


@contextlib.contextmanager
def running(command: list[str], work: Path) -> Iterator[Iterator[str]]:
    """Run a simulator in `work` and give what it prints, line by line; all goes to `run.log` there too.

    Raises:
        FlowError: It cannot be started, or was killed, which says nothing about the chip.
    """
    path, name = work / "run.log", Path(command[0]).name
    with path.open("w") as log:
        try:
            run = subprocess.Popen(
                command, cwd=work, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                text=True, errors="replace",
            )  # fmt: skip
        except OSError as e:
            raise FlowError(
                f"{name} cannot be started ({e.strerror or e})", where=str(work), code=ExitCode.TOOL_FAILED
            ) from e
        with run:
            assert run.stdout is not None
            yield _kept(run.stdout, log)
    if run.returncode < 0:
        raise FlowError(f"{name} {ending(run.returncode)}", where=str(path), code=ExitCode.TOOL_FAILED)


def _kept(lines: Iterable[str], log: TextIO) -> Iterator[str]:
    for line in lines:
        log.write(line)
        yield line
