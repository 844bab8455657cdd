"""Runs the compilers of a simulation."""

__all__ = ["run_tool", "running", "verilate"]

import contextlib
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TextIO

from rtl_gen.errors import ExitCode, FlowError, ending
from rtl_gen.tools import TOOLS, run

TIMEOUT_S = 3600  # the simulator of story with its count of rises takes 20 minutes of processor time


# What the kit's models and a flat netlist do by design: names, widths, declarations without a value.
QUIET = ("-Wno-fatal", "-Wno-lint", "-Wno-style", "-Wno-TIMESCALEMOD", "-Wno-MULTIDRIVEN")


def verilate(
    work: Path,
    top: str,
    sources: Sequence[str],
    *,
    optimise: str,
    jobs: int = 2,
    defines: Sequence[str] = (),
    more: Sequence[str] = (),
) -> Path:
    """Compile Verilog and its host into a program.

    Args:
        work: Folder that holds the sources.
        top: Module.
        sources: Names of C++ and Verilog files; C++ names the module's class `Vtile`.
        optimise: Level of the C++ compiler for what runs in every cycle, such as "2"; the rest runs once.
        jobs: Compilers at a time.
        defines: Macros of C++, such as A=b.
        more: Options of Verilator besides.

    Raises:
        FlowError: Verilator, make or a C++ compiler is missing or fails.
    """
    # Registers start with random values: what a program leaves undefined must not matter.
    start = ["--x-assign", "unique", "--x-initial", "unique"]
    options = [
        "--cc",
        "--exe",
        "-O3",
        *more,
        *start,
        *(x for macro in defines for x in ("-CFLAGS", f"-D{macro}")),
    ]
    names = ["--top-module", top, "--prefix", "Vtile", "-o", "simulator", "--Mdir", "obj"]
    run_tool(["verilator", *options, *QUIET, *names, *sources], work, "verilate", "verilator")
    # Its makefile refuses a folder with a space in its path, which it takes from CURDIR; what it reads and
    # writes goes by plain names.
    levels = [f"OPT_FAST=-O{optimise}", f"OPT_GLOBAL=-O{optimise}", "OPT_SLOW=-O0"]
    make = ["make", "-s", "CURDIR=.", "-C", "obj", "-f", "Vtile.mk", f"-j{jobs}", *levels]
    run_tool(make, work, "compile", "verilator")
    return work / "obj" / "simulator"


def run_tool(command: list[str], work: Path, name: str, tool: str) -> None:
    """Run a program in `work`; FlowError with its first complaint when it fails.

    Args:
        command: What to run.
        work: Folder; the output goes to `<name>.log` in it.
        name: Of the step, for messages.
        tool: The program is part of this one (rtl_gen.tools).
    """
    log = work / f"{name}.log"
    try:
        done = run(command, work, TIMEOUT_S)
    except FileNotFoundError as e:
        raise FlowError(
            f"{command[0]} is not installed", hint=TOOLS[tool].way_on, code=ExitCode.MISSING_TOOL
        ) from e
    except OSError as e:
        raise FlowError(
            f"{command[0]} cannot be started ({e.strerror or e})", where=name, code=ExitCode.TOOL_FAILED
        ) from e
    log.write_text(done.log, "utf-8", "replace")
    if done.late:
        raise FlowError(f"{name} did not end within {TIMEOUT_S} s", where=str(log), code=ExitCode.TOOL_FAILED)
    if done.status:
        lines = done.log.splitlines()
        first = next((x for x in lines if "error" in x.lower()), lines[-1] if lines else "")
        why = f"{Path(command[0]).name} {ending(done.status)}{first and ': '}{first}"
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
            process = subprocess.Popen(
                command, cwd=work, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                text=True, errors="replace",
            )  # fmt: skip
        except OSError as e:
            raise FlowError(
                f"{name} cannot be started ({e.strerror or e})", where=str(work), code=ExitCode.TOOL_FAILED
            ) from e
        with process:
            assert process.stdout is not None
            yield _kept(process.stdout, log)
    if process.returncode < 0:
        raise FlowError(f"{name} {ending(process.returncode)}", where=str(path), code=ExitCode.TOOL_FAILED)


def _kept(lines: Iterable[str], log: TextIO) -> Iterator[str]:
    for line in lines:
        log.write(line)
        yield line
