"""The external tools: how each is found, asked for its version, installed, and what it is for."""

__all__ = ["TOOLS", "Tool", "identity", "require", "version"]

import functools
import glob
import hashlib
import importlib.metadata
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from flow.files import sha256_file
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
LOADER = ("LD_LIBRARY_PATH", "LD_PRELOAD")


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


@functools.cache
def identity(name: str) -> str:
    """What a tool is, for keys: a hash of its programs and of the variables that change what it does.

    A Python package is known by its version. "missing" when it is not there.
    """
    tool = TOOLS[name]
    if not tool.exe:
        return version(name) or "missing"
    found = shutil.which(tool.exe)
    if found is None:
        return "missing"
    path = Path(found).resolve()
    parts = {p.resolve() for part in tool.parts for p in _parts(path.parent, part) if p.is_file()} - {path}
    lines = [f"{p.name} {sha256_file(p)}" for p in (path, *sorted(parts))]
    if not parts and path.open("rb").read(2) == b"#!":
        # A script that starts the tool, installed in a way that is not known here.
        lines.append(version(name) or "missing")
    environment = dict(os.environ)
    lines += [f"{v} {environment[v]}" for v in (*tool.variables, *LOADER) if v in environment]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _parts(folder: Path, part: str) -> list[Path]:
    if "*" in part or "/" in part:
        return [Path(p) for p in glob.glob(str(folder / part))]
    found = shutil.which(part)
    return [Path(found)] if found else []


@functools.cache
def version(name: str) -> str | None:
    """The version of a tool, None when it is not there, "?" when it will not say."""
    tool = TOOLS[name]
    if not tool.exe:
        try:
            return importlib.metadata.version(tool.pattern)
        except importlib.metadata.PackageNotFoundError:
            return None
    path = shutil.which(tool.exe)
    if path is None:
        return None
    try:
        run = subprocess.run([path, *tool.asks], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "?"
    found = re.search(tool.pattern, run.stdout + run.stderr)
    return found.group(1) if found else "?"


def require(name: str) -> str:
    """The version of a tool; FlowError with the exact fix when it is missing."""
    found = version(name)
    if found is None:
        tool = TOOLS[name]
        raise FlowError(
            f"{tool.exe or name} is not installed; it is needed for: {tool.used_for}",
            hint=tool.way_on,
            code=ExitCode.MISSING_TOOL,
        )
    return found
