"""The external tools: how each is found, asked for its version, installed and run, and what it is for."""

__all__ = ["TOOLS", "Ended", "Tool", "find", "require", "run", "version", "version_of"]

import contextlib
import functools
import importlib.metadata
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rtl_gen.errors import ExitCode, FlowError


@dataclass(frozen=True)
class Tool:
    """One external tool.

    Attributes:
        exe: Name on PATH; empty for a Python package.
        asks: Arguments that print the version.
        pattern: Finds the version in what is printed.
        fix: The command that installs it.
        used_for: What does not run without it.
        required: Whether the main build needs it.
        without: What can be done where it cannot be installed.
        parts: What it consists of besides the executable: programs on PATH, and patterns of files, from the
            folder of the executable.
        variables: Of the environment, that change what it does.
    """

    name: str
    exe: str
    asks: tuple[str, ...]
    pattern: str
    fix: str
    used_for: str
    required: bool
    without: str = ""
    parts: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()

    @property
    def programs(self) -> set[str]:
        """Names of what is run when it is used."""
        return {self.exe, *(part for part in self.parts if "*" not in part and "/" not in part)} - {""}

    @property
    def way_on(self) -> str:
        """What to do when it is not there, or of no use."""
        return f"Run: {self.fix}" + (f". {self.without}" if self.without else "")


TCL = ("TCLLIBPATH", "TCL_LIBRARY")


def _apt(package: str) -> str:
    return f"apt-get install --no-install-recommends {package}"


TOOLS = {
    t.name: t
    for t in (
        Tool(
            "yosys",
            "",
            (),
            "pyosys",
            "pip install pyosys==0.70",
            "equivalence, and synthesis of a new base",
            True,
        ),
        Tool(
            "magic",
            "magic",
            ("--version",),
            r"([\d.]+)",
            _apt("magic"),
            "Magic DRC, extraction, LVS",
            True,
            parts=("../lib/magic/tcl/*", "../lib/*/magic/tcl/*"),
            variables=("CAD_ROOT", *TCL),
        ),
        Tool(
            "klayout",
            "klayout",
            ("-v",),
            r"KLayout ([\d.]+)",
            _apt("klayout"),
            "KLayout DRC, show",
            True,
            # The database, its scripts and the DRC engine; all else is of the display.
            parts=tuple(
                f"{folder}{file}"
                for folder in ("", "../lib/klayout/")
                for file in ("klayout", "libklayout_[dgrt]*.so", "db_plugins/*.so")
            ),
            variables=("KLAYOUT_HOME", "KLAYOUT_PATH"),
        ),
        Tool(
            "netgen",
            "netgen-lvs",
            ("-batch", "quit"),
            r"Netgen ([\d.]+)",
            _apt("netgen-lvs"),
            "LVS",
            True,
            parts=("../tcl/*", "../lib/netgen/tcl/*"),
            variables=("CAD_ROOT", *TCL),
        ),
        Tool(
            "iverilog",
            "iverilog",
            ("-V",),
            r"version ([\d.]+)",
            _apt("iverilog"),
            "a token with the delays of the routed chip",
            True,
            parts=("vvp", "iverilog-vpi", "gcc", "../lib/ivl/*", "../lib/*/ivl/*"),
        ),
        Tool(
            "verilator",
            "verilator",
            ("--version",),
            r"Verilator ([\d.]+)",
            _apt("verilator g++ make"),
            "gate-level simulation",
            True,
            parts=("verilator_bin", "make", "g++", "../share/verilator/include/*"),
            variables=("VERILATOR_ROOT", "VERILATOR_BIN", "CXX", "CXXFLAGS", "CPPFLAGS", "LDFLAGS"),
        ),
        Tool("sta", "sta", ("-version",), r"([\d.]+)", _apt("opensta"), "static timing analysis", True),
        Tool(
            "ngspice",
            "ngspice",
            ("--version",),
            r"ngspice-(\d+)",
            _apt("ngspice"),
            "analogue simulation of the bank",
            False,
        ),
        Tool(
            "openroad",
            "openroad",
            ("-version",),
            # Older ones put "1 " before it; one built without the repository's tags says a hash alone.
            r"\b(\d\dQ\d\S*|v\d\S*|[0-9a-f]{7,40})(?:\s|$)",
            "sc-install openroad",
            "placing and routing a base (a build uses what ships)",
            False,
            "That knows Ubuntu and Red Hat; else see openroad.readthedocs.io. Without it `sc-flow build`"
            " takes the artifact that ships, and `sc-flow base build --to synthesis` maps a base to cells.",
        ),
    )
}


def version(name: str) -> str | None:
    """The version of a tool, None when it is not there, "?" when it will not say."""
    return version_of(TOOLS[name])


@functools.cache
def version_of(tool: Tool) -> str | None:
    """The same of a tool that the table may not have."""
    if not tool.exe:
        try:
            return importlib.metadata.version(tool.pattern)
        except importlib.metadata.PackageNotFoundError:
            return None
    path = shutil.which(tool.exe)
    if path is None:
        return None
    try:
        told = run([path, *tool.asks], Path.cwd(), 60)
    except OSError:
        return "?"
    found = None if told.late else re.search(tool.pattern, told.log)
    return found.group(1) if found else "?"


def require(name: str) -> str:
    """The version of a tool; FlowError with the exact fix when it is missing."""
    found = version(name)
    if found is None:
        raise _missing(TOOLS[name])
    return found


def find(name: str) -> str:
    """Where a tool is; FlowError with the exact fix when it is missing."""
    path = shutil.which(TOOLS[name].exe)
    if path is None:
        raise _missing(TOOLS[name])
    return path


def _missing(tool: Tool) -> FlowError:
    return FlowError(
        f"{tool.exe or tool.name} is not installed; it is needed for: {tool.used_for}",
        hint=tool.way_on,
        code=ExitCode.MISSING_TOOL,
    )


@dataclass(frozen=True)
class Ended:
    """What a program did.

    Attributes:
        status: As `subprocess` gives it: negative for a signal.
        log: Standard output; standard error with it, unless they were to be kept apart.
        errors: Standard error by itself.
        seconds: From start to end.
        late: Whether it was killed as its time was over.
    """

    status: int
    log: str
    errors: str
    seconds: float
    late: bool


def run(
    command: Sequence[str],
    folder: Path,
    timeout: float,
    variables: Mapping[str, str] | None = None,
    *,
    apart: bool = False,
) -> Ended:
    """Run a program in a folder; it and all it started are killed after `timeout` seconds.

    Args:
        command: The program and its arguments.
        folder: Working directory.
        timeout: Seconds.
        variables: Added to the environment.
        apart: Whether to keep standard error apart from standard output.

    Raises:
        OSError: It cannot be started.
    """
    start = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=folder,
        # Numbers with a point, and names of files in UTF-8, whatever the user's language.
        env={**os.environ, "LC_ALL": "C.UTF-8", **(variables or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if apart else subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    late = False
    try:
        log, errors = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        late = True
    finally:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            log, errors = process.communicate()
    return Ended(process.returncode, log, errors or "", time.monotonic() - start, late)
