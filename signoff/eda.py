"""Finds and runs the external tools that signoff drives, and never takes silence for success."""

__all__ = ["KLAYOUT", "MAGIC", "NETGEN", "OPENROAD", "OPENSTA", "Eda", "Run", "run_magic", "script"]

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from rtl_gen import tools
from rtl_gen.errors import ExitCode, FlowError, ending
from rtl_gen.tools import TOOLS, Tool
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
        tool: How it is found and installed.
        trouble: Patterns of beginnings of log lines that make the result of a run worthless.
    """

    name: str
    tool: Tool
    trouble: tuple[str, ...]

    @property
    def exe(self) -> str:
        """Its name on PATH."""
        return self.tool.exe

    def missing(self, check: str) -> CheckResult | None:
        """The row of a check that cannot run as the tool is not there; None if it is."""
        if shutil.which(self.exe):
            return None
        reason = f"{self.exe} is not on PATH. {self.tool.way_on}"
        return CheckResult.not_run(check, reason, self.name)

    def failed(self, reason: str, folder: Path) -> FlowError:
        """What to raise where the tool ran in a folder and its result is worthless.

        A check neither passes nor fails by that: there is no row, and the build says what happened.
        """
        log = folder / f"{self.exe}.log"
        hint = f"What it printed is in {log}" if log.is_file() else ""
        return FlowError(reason, where=self.name, hint=hint, code=ExitCode.TOOL_FAILED)

    def version(self) -> str:
        """What the tool calls itself; empty if it is missing or does not say."""
        return (tools.version_of(self.tool) or "").replace("?", "")

    def run(
        self,
        arguments: Sequence[str],
        folder: Path,
        timeout: float,
        variables: Mapping[str, str] | None = None,
        files: Mapping[str, Path] | None = None,
    ) -> Run:
        """Run the tool in a folder, and keep its log there as `<exe>.log`.

        Most of these tools are Tcl inside, and take a path with spaces, brackets or accents apart. Files from
        elsewhere are therefore linked into the folder, and all is said by plain names in it.

        Args:
            arguments: Of the command line.
            folder: Working directory.
            timeout: Seconds after which the tool and all it started are killed.
            variables: Added to the environment.
            files: What to link into the folder, by the name it gets there.
        """
        for name, path in (files or {}).items():
            bring(path, folder / name)
        program = os.path.abspath(shutil.which(self.exe) or self.exe)
        try:
            done = tools.run([program, *arguments], folder, timeout, variables)
        except OSError as e:
            return Run("", 0.0, f"{self.exe} cannot be started ({e.strerror or e})")
        fault = f"killed after {timeout:g} s" if done.late else self._fault(done.status, done.log)
        (folder / f"{self.exe}.log").write_text(done.log, "utf-8", "replace")
        return Run(done.log, done.seconds, fault)

    def _fault(self, code: int, log: str) -> str:
        if code < 0 or code > 128:
            return f"{self.exe} {ending(code)}"
        if found := re.search(rf"^(?:{'|'.join(self.trouble)}).*", log, re.M):
            return f"{self.exe} reported: {found.group().strip()}"
        return f"{self.exe} {ending(code)}" if code else ""


def bring(path: Path, to: Path) -> None:
    """Make a file appear at another place: a link, or a copy where there are none."""
    if to.exists() and to.samefile(path) and not to.is_symlink():
        return
    to.unlink(missing_ok=True)
    try:
        to.symlink_to(path.resolve())
    except OSError:
        shutil.copyfile(path, to)


def script(name: str) -> dict[str, Path]:
    """A Tcl script of this package, to be linked into the folder of a run."""
    return {name: Path(str(resources.files("signoff.tcl").joinpath(name)))}


def run_magic(
    name: str,
    tech: Path,
    folder: Path,
    timeout: float,
    variables: Mapping[str, str],
    files: Mapping[str, Path] | None = None,
) -> Run:
    """Run a Tcl script of this package in Magic, with nothing but the given tech file; see `Eda.run`."""
    arguments = ["-noconsole", "-dnull", "-rcfile", "/dev/null", "-T", "scf.tech", name]
    brought = {**script(name), "scf.tech": tech, **(files or {})}
    return MAGIC.run(arguments, folder, timeout, variables, brought)


KLAYOUT = Eda(
    name="KLayout",
    tool=TOOLS["klayout"],
    trouble=(r"ERROR", r".*Internal error"),
)
MAGIC = Eda(
    name="Magic",
    tool=TOOLS["magic"],
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
    tool=TOOLS["netgen"],
    trouble=(
        r".*No such file",
        r".*Error in setup file",
        r".*invalid command name",
        r".*Can't ",
        r"Strange token ",
        r".*while executing",
    ),
)
OPENROAD = Eda(
    name="OpenROAD",
    tool=TOOLS["openroad"],
    # LEF of the kit is of many ages (ODB), and has no view of some cells (ORD): only these may be warned of.
    trouble=(r"\[ERROR", r"Error", r"\[WARNING (?!ODB-|ORD-2056)"),
)
OPENSTA = Eda(
    name="OpenSTA",
    tool=TOOLS["sta"],
    # What check_setup says begins with "There"; all else is about files that do not fit together.
    trouble=(r"Error", r"Warning: (?!There (?:are|is) )"),
)
