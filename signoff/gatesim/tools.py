"""Runs the compilers of a simulation."""

__all__ = ["run_tool"]

import subprocess
from pathlib import Path

from rtl_gen.errors import ExitCode, FlowError

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
            done = subprocess.run(command, cwd=work, stdout=out, stderr=subprocess.STDOUT, timeout=TIMEOUT_S)
    except FileNotFoundError as e:
        raise FlowError(
            f"{command[0]} is not installed", hint=f"apt-get install {packages}", code=ExitCode.MISSING_TOOL
        ) from e
    except subprocess.TimeoutExpired as e:
        raise FlowError(
            f"{name} did not end within {TIMEOUT_S} s", where=str(log), code=ExitCode.TOOL_FAILED
        ) from e
    if done.returncode:
        lines = log.read_text(errors="replace").splitlines()
        first = next((x for x in lines if "error" in x.lower()), lines[-1] if lines else "no message")
        raise FlowError(f"{name} failed: {first}", where=str(log), code=ExitCode.TOOL_FAILED)
