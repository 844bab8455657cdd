"""Builds a simulator of a chip with Verilator, and runs requests through one or a chain, as a host would.

The simulator depends on netlist and memories alone: contents are loaded when it starts, so one simulator
serves every model of a base.
"""

__all__ = ["Simulation", "Token", "build_simulator", "converse", "read_states", "simulate"]

import re
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np

from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.token_bytes import from_bytes
from signoff.gatesim.host import PLAIN, Protocol, Request, exchanges
from signoff.gatesim.models import ON, cell_models, tracing_memories, tracing_states
from signoff.gatesim.tools import running, verilate

_REQUESTS = "requests.txt"
_STATES = "states"  # that host.cpp writes
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
    states: bool = False,
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
        states: Whether it can tell what all that holds a value was; such a program takes longer to compile.

    Returns:
        The program; `simulate` runs it.

    Raises:
        FlowError: Verilator or a C++ compiler is missing or fails, or a cell has no model.
    """
    work.mkdir(parents=True, exist_ok=True)
    before, mine, after = _parted(netlist, top)
    (work / "cells.v").write_text(f"{ON}{tracing_states(cell_models(netlist, cells))}")
    (work / "memories.v").write_text(tracing_memories(memory_models))
    (work / "netlist.v").write_text(f"{ON}{tracing_states(before)}{mine}{tracing_states(after)}")
    for name in ("host.cpp", "states.h"):
        (work / name).write_text(files("signoff.gatesim").joinpath(name).read_text("utf-8"))
    sources = ("host.cpp", "cells.v", "memories.v", "netlist.v")
    defines = [f"{way.upper()}_DATA={way}_{protocol.data}" for way in ("rx", "tx")]
    more: tuple[str, ...] = ()
    if states:
        defines.append("SCF_STATES")
        more = ("--trace", "--trace-underscore", "-CFLAGS", "-I..")
    # Compiling takes longer than running some texts. At -Os it takes twice as long, and the program is no
    # faster; each file reads the declarations of all nets, which is a second for each.
    more += ("--output-split", "60000")
    return verilate(work, top, sources, optimise="1", jobs=jobs, defines=defines, more=more)


def _parted(netlist: str, top: str) -> tuple[str, str, str]:
    """What is before a module, the module, and what is behind it; its nets are traced."""
    if not (found := re.search(rf"^module {top}\b.*?^endmodule", netlist, re.M | re.S)):
        return netlist, "", ""
    return netlist[: found.start()], found[0], netlist[found.end() :]


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
        between: Tell the states from one token to another, of all that come: 0 is the end of reset, 1 the
            first token. `read_states` reads them. Only of a simulator that can.

    Raises:
        FlowError: The simulator cannot be started, was killed, or stopped without a word about the chip.
    """
    for n, files_of in enumerate(contents):
        _load(files_of, work / _folder(n), top)
    lines = [f"{sent.hex()} {answer}\n" for sent, answer in exchanges(requests, protocol)]
    (work / _REQUESTS).write_text("".join(lines))
    command = [str(simulator.resolve()), str(len(contents)), _REQUESTS, str(PATIENCE)]
    command += [str(n * protocol.token_bytes) for n in between or ()]
    command += ["+verilator+rand+reset+2", f"+verilator+seed+{start}"]
    return _run(command, work, on_token, protocol.token_bytes)


def converse(
    simulator: Path,
    top: str,
    contents: Mapping[str, Path],
    sent: bytes,
    answer: int,
    work: Path,
    patience: int = PATIENCE,
) -> Simulation:
    """Send bytes to a die that may be any of a chain; its tokens are the bytes that it says.

    Args:
        simulator, top: As for `simulate`.
        contents: By instance of a ROM the file with its contents, as for `simulate`.
        sent: All that it hears, as fast as it takes it.
        answer: How many bytes it is to say.
        work: Folder for generated files; made if missing.
        patience: Cycles in which it may say nothing.

    Raises:
        FlowError: As for `simulate`.
    """
    _load(contents, work / _folder(0), top)
    (work / _REQUESTS).write_text(f"{sent.hex()} {answer}\n")
    command = [str(simulator.resolve()), "1", _REQUESTS, str(patience)]
    command += ["+verilator+rand+reset+2", "+verilator+seed+1"]
    return _run(command, work, lambda token: None, 1)


def _load(contents: Mapping[str, Path], folder: Path, top: str) -> None:
    """Put contents of ROMs where host.cpp's dies read them."""
    folder.mkdir(parents=True, exist_ok=True)
    for instance, file in contents.items():
        shutil.copyfile(file, folder / f"TOP.{top}.{instance}.hex")


def _folder(die: int) -> str:
    """Where host.cpp looks for what belongs to a die."""
    return f"die{die}"


def read_states(work: Path, top: str, die: int = 0) -> dict[str, int]:
    """What held a value, by its name below the top, as a number of which bit n is the value after edge n.

    Names are `net` of the top, `cell.dff0.Q`, `cell.dlatch0.Q`, `memory.q[3]`, `memory.reads`,
    `memory.writes[3]`; cells and memories with the path to them. Bit 0 is what there was when it began.

    Args:
        work: Folder of a run that told them.
        top: Module of the tile.
        die: Number of the die in its chain.

    Raises:
        FlowError: The run told nothing.
    """
    path, begin = work / _folder(die) / _STATES, f"TOP.{top}."
    try:
        told, _, samples = path.read_bytes().partition(b"\n\n")
        lines = [line.rsplit(" ", 1) for line in told.decode("utf-8").splitlines()]
        numbers = {name: int(number) for name, number in lines}
        width = max(numbers.values()) // 8 + 1
        bits = np.unpackbits(np.frombuffer(samples, np.uint8).reshape(-1, width), axis=1, bitorder="little")
        packed = np.packbits(bits.T, axis=1, bitorder="little")
    except (OSError, ValueError) as e:
        raise FlowError(f"no states ({e})", where=str(path), code=ExitCode.TOOL_FAILED) from e
    values = [int.from_bytes(row.tobytes(), "little") for row in packed]
    return {n.removeprefix(begin): values[number] for n, number in numbers.items() if n.startswith(begin)}


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
                    token = Token(from_bytes(bytes(came)), cycles)
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
