"""Builds a simulator of a chip with Verilator, and runs requests through one or a chain, as a host would.

The simulator depends on netlist and memories alone: contents are loaded when it starts, so one simulator
serves every model of a base.
"""

__all__ = ["Simulation", "Token", "build_simulator", "read_rises", "simulate"]

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from rtl_gen.errors import ExitCode, FlowError
from signoff.gatesim.host import PLAIN, Protocol, Request, exchanges
from signoff.gatesim.models import cell_models
from signoff.gatesim.tools import running, verilate

_OFF, _ON = (f"/* verilator tracing_{way} */\n" for way in ("off", "on"))
_REQUESTS = "requests.txt"
_RISES = "rises.txt"  # that host.cpp writes
PATIENCE = 60_000  # cycles; a token of the largest base takes a fraction of it


@dataclass(frozen=True)
class Token:
    """A token that came out of the chip, and the clock cycle in which it did."""

    value: int
    cycle: int


@dataclass(frozen=True)
class Simulation:
    """What came out.

    Attributes:
        tokens: In order, over all requests.
        cycles: Clock cycles simulated.
        seconds: Of simulation, without the building of the simulator.
        fault: Why it ended early or cannot be trusted; empty when every expected token came.
    """

    tokens: tuple[Token, ...]
    cycles: int
    seconds: float
    fault: str

    def split(self, requests: Sequence[Request]) -> list[list[int]]:
        """Token values a request, by the number that each expected."""
        out, at = [], 0
        values = [t.value for t in self.tokens]
        for r in requests:
            out.append(values[at : at + len(r.expected)])
            at += len(r.expected)
        return out

    def equals(self, requests: Sequence[Request]) -> bool:
        """Whether every token is the expected one, and none is missing."""
        return not self.fault and self.split(requests) == [list(r.expected) for r in requests]


def build_simulator(
    netlist: str,
    top: str,
    cells: Path,
    memory_models: str,
    work: Path,
    jobs: int = 2,
    *,
    protocol: Protocol = PLAIN,
    rises: bool = False,
) -> Path:
    """Compile a tile into a program.

    Args:
        netlist: Verilog text: mapped cells, or RTL.
        top: Module of the tile.
        cells: Folder of the kit's cells.
        memory_models: Verilog text of the memory macros.
        work: Folder for generated files.
        jobs: Compilers at a time.
        protocol: Names the ports of its host.
        rises: Whether it can count how often nets rise; such a program is slower.

    Returns:
        The program; `simulate` runs it.

    Raises:
        FlowError: Verilator or a C++ compiler is missing or fails, or a cell has no model.
    """
    work.mkdir(parents=True, exist_ok=True)
    # Nets count, and what models of macros say of themselves; what is inside of cells does not.
    (work / "cells.v").write_text(f"{_OFF}{cell_models(netlist, cells)}")
    (work / "memories.v").write_text(f"{_OFF}{memory_models}")
    (work / "netlist.v").write_text(f"{_ON}{netlist}")
    for name in ("host.cpp", "rises.h"):
        (work / name).write_text(files("signoff.gatesim").joinpath(name).read_text("utf-8"))
    sources = ("host.cpp", "cells.v", "memories.v", "netlist.v")
    defines = [f"{way.upper()}_DATA={way}_{protocol.data}" for way in ("rx", "tx")]
    more: tuple[str, ...] = ()
    if rises:
        defines.append("SCF_RISES")
        more = ("--trace", "--trace-underscore", "-CFLAGS", "-I..")
    # Compiling takes longer than running some texts: as small as can be is quick to compile.
    return verilate(work, top, sources, optimise="s", jobs=jobs, defines=defines, more=more)


def simulate(
    simulator: Path,
    top: str,
    contents: Sequence[Mapping[str, Path]],
    requests: Sequence[Request],
    work: Path,
    on_token: Callable[[Token], None] = lambda token: None,
    start: int = 1,
    protocol: Protocol = PLAIN,
    between: tuple[int, int] | None = None,
) -> Simulation:
    """Run requests through a simulator.

    Args:
        simulator: What `build_simulator` returned.
        top: Module of the tile.
        contents: Of every die of a chain, one or more: by instance of a ROM below the top, such as
            bank0.macro, the file with its contents (one hexadecimal word a word line, a line each).
        requests: What to send, one after another.
        work: Folder for generated files.
        on_token: Called as each token appears.
        start: Seed of the registers' random initial values.
        protocol: How tokens travel.
        between: Count how often nets rise from one token to another, of all that come: 0 is the end of reset,
            1 the first token. `read_rises` reads what was counted. Only of a simulator that can.

    Raises:
        FlowError: The simulator cannot be started, was killed, or stopped without a word about the chip.
    """
    for n, files_of in enumerate(contents):
        folder = work / _folder(n)
        folder.mkdir(parents=True, exist_ok=True)
        for instance, file in files_of.items():
            shutil.copyfile(file, folder / f"TOP.{top}.{instance}.hex")
    lines = [f"{sent.hex()} {answer}\n" for sent, answer in exchanges(requests, protocol)]
    (work / _REQUESTS).write_text("".join(lines))
    command = [str(simulator.resolve()), str(len(contents)), _REQUESTS, str(PATIENCE)]
    command += [str(n * protocol.token_bytes) for n in between or ()]
    command += ["+verilator+rand+reset+2", f"+verilator+seed+{start}"]
    return _run(command, work, on_token, protocol.token_bytes)


def _folder(die: int) -> str:
    """Where host.cpp looks for what belongs to a die."""
    return f"die{die}"


def read_rises(work: Path, top: str, die: int = 0) -> dict[str, int]:
    """How often each net rose, by its name below the top: `tile.net`, or `net[3]` of a bus.

    Args:
        work: Folder of a run that counted.
        top: Module of the tile.
        die: Number of the die in its chain.

    Raises:
        FlowError: The run counted nothing.
    """
    path, begin, found = work / _folder(die) / _RISES, f"TOP.{top}.", {}
    try:
        for line in path.read_text("utf-8").splitlines():
            name, count = line.rsplit(" ", 1)
            if name.startswith(begin):
                found[name.removeprefix(begin)] = int(count)
    except (OSError, ValueError) as e:
        raise FlowError(f"no count of rises ({e})", where=str(path), code=ExitCode.TOOL_FAILED) from e
    return found


def _run(command: list[str], work: Path, on_token: Callable[[Token], None], token_bytes: int) -> Simulation:
    tokens: list[Token] = []
    came: list[int] = []
    cycles, fault, ended, begun = 0, "", False, False
    began = time.monotonic()
    with running(command, work) as lines:
        for line in lines:
            word, *rest = line.split() or [""]
            if word == "TOKEN":
                cycles = int(rest[1])
                came.append(int(rest[0]))
                if len(came) == token_bytes:
                    token = Token(int.from_bytes(bytes(came), "little"), cycles)
                    tokens.append(token)
                    came.clear()
                    on_token(token)
            elif word == "BEGIN":
                begun = True
            elif word == "ERROR:" and not begun:
                continue  # a memory that random registers address, before reset has set them
            elif word == "END":
                cycles, ended = int(rest[0]), True
            elif word in ("FAULT", "ERROR:") or "%Warning" in line or "%Error" in line:
                fault = fault or line.strip()
    if not ended and not fault:
        raise FlowError(
            "the simulator stopped before its end", where=str(work / "run.log"), code=ExitCode.TOOL_FAILED
        )
    return Simulation(tuple(tokens), cycles, time.monotonic() - began, fault)
