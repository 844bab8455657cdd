"""The external tools: how each is found, asked for its version, installed, and what it is for."""

__all__ = ["TOOLS", "Tool", "require", "version"]

import functools
import importlib.metadata
import re
import shutil
import subprocess
from dataclasses import dataclass

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
    """

    name: str
    exe: str
    asks: tuple[str, ...]
    pattern: str
    fix: str
    used_for: str
    required: bool
    without: str = ""

    @property
    def way_on(self) -> str:
        """What to do when it is not there, or of no use."""
        return f"Run: {self.fix}" + (f". {self.without}" if self.without else "")


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
            "magic", "magic", ("--version",), r"([\d.]+)", _apt("magic"), "Magic DRC, extraction, LVS", True
        ),
        Tool("klayout", "klayout", ("-v",), r"KLayout ([\d.]+)", _apt("klayout"), "KLayout DRC, show", True),
        Tool("netgen", "netgen-lvs", ("-batch", "quit"), r"Netgen ([\d.]+)", _apt("netgen-lvs"), "LVS", True),
        Tool(
            "iverilog",
            "iverilog",
            ("-V",),
            r"version ([\d.]+)",
            _apt("iverilog"),
            "a token with the delays of the routed chip",
            True,
        ),
        Tool(
            "verilator",
            "verilator",
            ("--version",),
            r"Verilator ([\d.]+)",
            _apt("verilator g++ make"),
            "gate-level simulation",
            True,
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
