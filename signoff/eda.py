"""Finds and runs the external tools that signoff drives, and never takes silence for success."""

__all__ = ["KLAYOUT", "MAGIC", "NETGEN", "OPENSTA", "Eda", "Run", "magic_arguments"]

import contextlib
import functools
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from signoff.result import CheckResult


@dataclass(frozen=True)
class Run:
    """What a tool did.

    Attributes:
        log: Standard output and error together.
        seconds: Time from start to end.
        fault: Why the run cannot be trusted; empty if the tool ended as it should.
    """

    log: str
    seconds: float
    fault: str


@dataclass(frozen=True)
class Eda:
    """One external tool.

    Attributes:
        name: As the signoff table shows it.
        exe: On PATH.
        package: Debian package that has it.
        asks: Arguments that make it print its version.
        pattern: Finds the version in what it prints.
        trouble: Patterns of beginnings of log lines that make the result of a run worthless.
    """

    name: str
    exe: str
    package: str
    asks: tuple[str, ...]
    pattern: str
    trouble: tuple[str, ...]

    def missing(self, check: str) -> CheckResult | None:
        """The row of a check that cannot run as the tool is not there; None if it is."""
        if shutil.which(self.exe):
            return None
        reason = f"{self.exe} is not on PATH; Debian package {self.package} has it"
        return CheckResult(check, self.name, "", None, None, "not run", reason)

    def fails(self, check: str, reason: str, limit: int = 0) -> CheckResult:
        """The row of a check whose tool failed."""
        return CheckResult(check, self.name, self.version(), None, limit, "fail", reason)

    def version(self) -> str:
        """What the tool calls itself; empty if it is missing or does not say."""
        path = shutil.which(self.exe)
        return _version(path, self.asks, self.pattern) if path else ""

    def run(
        self,
        arguments: Sequence[str],
        folder: Path,
        timeout: float,
        variables: Mapping[str, str] | None = None,
    ) -> Run:
        """Run the tool in a folder, and keep its log there as `<exe>.log`.

        Args:
            arguments: Of the command line.
            folder: Working directory.
            timeout: Seconds after which the tool and all it started are killed.
            variables: Added to the environment.
        """
        start = time.monotonic()
        process = subprocess.Popen(
            [self.exe, *arguments],
            cwd=folder,
            env={**os.environ, **(variables or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        fault = ""
        try:
            log, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            fault = f"killed after {timeout:g} s"
        finally:
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                log, _ = process.communicate()
        (folder / f"{self.exe}.log").write_text(log)
        return Run(log, time.monotonic() - start, fault or self._fault(process.returncode, log))

    def _fault(self, code: int, log: str) -> str:
        if found := re.search(rf"^(?:{'|'.join(self.trouble)}).*", log, re.M):
            return f"{self.exe} reported: {found.group().strip()}"
        return f"{self.exe} ended with status {code}" if code else ""


@functools.cache
def _version(path: str, asks: tuple[str, ...], pattern: str) -> str:
    try:
        told = subprocess.run(
            [path, *asks], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = re.search(pattern, told.stdout + told.stderr)
    return found.group(1) if found else ""


def magic_arguments(tech: Path, script: str) -> list[str]:
    """Command line for a batch run of a Tcl script of this package, with nothing but the given tech file."""
    path = str(resources.files("signoff.tcl").joinpath(script))
    return ["-noconsole", "-dnull", "-rcfile", "/dev/null", "-T", str(tech.resolve()), path]


KLAYOUT = Eda(
    name="KLayout",
    exe="klayout",
    package="klayout",
    asks=("-v",),
    pattern=r"KLayout ([\d.]+)",
    trouble=(r"ERROR", r".*Internal error"),
)
MAGIC = Eda(
    name="Magic",
    exe="magic",
    package="magic",
    asks=("--version",),
    pattern=r"([\d.]+)",
    trouble=(
        r"SCF fault: ",
        r"Failed to load technology",
        r"Don't know how to read",
        r"Error parsing ",
        r"Error while reading cell ",
        r".*Unknown layer/datatype",
        r".*line \d+: ",
        r".*core dumped",
    ),
)
NETGEN = Eda(
    name="Netgen",
    exe="netgen-lvs",
    package="netgen-lvs",
    asks=("-batch", "quit"),
    pattern=r"Netgen ([\d.]+)",
    trouble=(
        r".*No such file",
        r".*Error in setup file",
        r".*invalid command name",
        r".*Can't ",
        r"Strange token ",
        r".*while executing",
    ),
)
OPENSTA = Eda(
    name="OpenSTA",
    exe="sta",
    package="opensta",
    asks=("-version",),
    pattern=r"([\d.]+)",
    # What check_setup says begins with "There"; all else is about files that do not fit together.
    trouble=(r"Error", r"Warning: (?!There (?:are|is) )"),
)
