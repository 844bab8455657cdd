"""Runs Yosys scripts in a process of their own: an abort in the tool ends the run, not the flow."""

__all__ = ["library_in", "run_yosys", "yosys_version"]

import sys
from pathlib import Path

from rtl_gen.errors import ExitCode, FlowError, ending
from rtl_gen.tools import require, run

TIMEOUT_S = 1800
RUNNER = "import sys; from pyosys import libyosys as y; y.run_pass('script ' + sys.argv[1], y.Design())"


def yosys_version() -> str:
    """Version of the pyosys wheel; FlowError when it is not installed."""
    return require("yosys")


def library_in(work: Path, liberty: Path) -> str:
    """Make a liberty appear in a folder, and give its name there: ABC splits paths at spaces."""
    name = "cells.lib"
    (work / name).unlink(missing_ok=True)
    (work / name).symlink_to(liberty.resolve())
    return name


def run_yosys(script: str, work: Path, name: str) -> str:
    """Run a script in `work`; leaves <name>.ys and <name>.log there.

    Returns:
        What Yosys printed.

    Raises:
        FlowError: Yosys is missing, failed or ran out of time; the message quotes its last error.
    """
    yosys_version()
    work.mkdir(parents=True, exist_ok=True)
    path, log = work / f"{name}.ys", work / f"{name}.log"
    path.write_text(script)
    done = run([sys.executable, "-c", RUNNER, path.name], work, TIMEOUT_S)
    log.write_text(done.log)
    if done.late:
        raise FlowError(f"Yosys did not end within {TIMEOUT_S} s", where=str(path), code=ExitCode.TOOL_FAILED)
    if done.status:
        output = f"it {ending(done.status)}" if done.status < 0 else done.log
        errors = [line for line in output.splitlines() if "ERROR" in line] or output.splitlines()[-1:]
        raise FlowError(
            f"Yosys failed: {errors[-1] if errors else ending(done.status)}",
            where=str(path),
            hint=f"The whole output is in {log}.",
            code=ExitCode.TOOL_FAILED,
        )
    return done.log
