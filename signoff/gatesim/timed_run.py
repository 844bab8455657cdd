"""Simulates a routed chip with the delays of its SDF, in Icarus, with every limit watched."""

__all__ = ["FIRST", "LAST", "PATIENCE", "Clock", "TimedChip", "TimedRun", "Trial", "build_timed", "run_timed"]

import re
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

import msgspec

from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.token_bytes import from_bytes
from signoff.gatesim.host import PLAIN, Protocol, Request, request_bytes
from signoff.gatesim.lean import lean, with_flops
from signoff.gatesim.simulate import Token
from signoff.gatesim.timed import MODEL_STEP, Limits, TimedDesign
from signoff.gatesim.tools import run_tool, running

PATIENCE = 60_000
FIRST, LAST = "first.txt", "last.txt"  # that timed_host.v writes
_PROGRAM, _LIMITS, _TOLD = "chip.vvp", "limits.txt", "limits.json"
_AHEAD, _BEGIN = "ahead", "begin.txt"
_WATCH = "limits"  # the VPI module
_PORTS = {
    "clk": 0,
    "rst": 0,
    "rx_valid": 0,
    "rx_ready": 0,
    "tx_valid": 0,
    "tx_ready": 0,
    "rx_data": 8,
    "tx_data": 8,
}
_OUT = ("rx_ready", "tx_valid", "tx_data")


@dataclass(frozen=True)
class Clock:
    """When the host moves, ns.

    Attributes:
        period: Of the clock; `high`: how long of it the clock is high.
        input: From the edge to a change of inputs; `output`: from when outputs are taken to the next edge.
        reset: From the edge to a change of the reset.
        sweep: How much later inputs change from cycle to cycle.
        shrink: By what part every time gets shorter from cycle to cycle.
        again: Reset comes once more after so many cycles, and the requests anew; 0: never.
    """

    period: float
    high: float
    input: float
    output: float
    reset: float
    sweep: float = 0.0
    shrink: float = 0.0
    again: int = 0


@dataclass(frozen=True)
class Trial:
    """A run.

    Attributes:
        clock: When the host moves.
        cycles: Ends after so many; 0: when all tokens came.
        until: Ends at the first violation of this kind.
        first: 0: from a reset on; else begins in this cycle, and counts from the next one on.
        sent, seen: Bytes before that, of the host and of the chip.
        last: When this cycle begins, what the chip holds is written to `LAST`; 0: never.
    """

    clock: Clock
    cycles: int = 0
    until: str = "-"
    first: int = 0
    sent: int = 0
    seen: int = 0
    last: int = 0


@dataclass(frozen=True)
class TimedChip:
    """A compiled chip, which runs with any contents of its ROMs.

    Attributes:
        folder: Where its program is.
        limits: What of the SDF is in it.
    """

    folder: Path
    limits: Limits

    @property
    def ahead(self) -> Path:
        """The program without delays (`ahead.c`)."""
        return self.folder / _AHEAD

    @property
    def begin(self) -> Path:
        """What all that holds a value begins with: a line each, as `ahead.c` tells."""
        return self.folder / _BEGIN

    @classmethod
    def read(cls, folder: Path) -> "TimedChip":
        """What `build_timed` left in a folder."""
        return cls(folder, msgspec.json.decode((folder / _TOLD).read_bytes(), type=Limits))


@dataclass
class TimedRun:
    """What came out of a run.

    Attributes:
        said: Bytes that came, each with its cycle.
        cycles: In which it ended.
        last: Bytes of the host and of the chip until `Trial.last`.
        violations: Number by kind; `first`: some of them, as printed.
        checks: Setup and hold limits watched; `edges`: of their clocks that were seen.
        least: From a last change of data to the beginning of its setup window, ns: the least seen.
        fault: Why it cannot be trusted; empty if it ended as it should.
    """

    said: list[Token] = field(default_factory=list)
    cycles: int = -1
    last: tuple[int, int] = (0, 0)
    seconds: float = 0.0
    violations: dict[str, int] = field(default_factory=dict)
    first: list[str] = field(default_factory=list)
    checks: int = 0
    edges: int = 0
    least: float = 0.0
    fault: str = ""

    def tokens(self, protocol: Protocol = PLAIN) -> list[Token]:
        """Whole ones, each with the cycle of its last byte."""
        size = protocol.token_bytes
        whole = [self.said[at : at + size] for at in range(0, len(self.said) // size * size, size)]
        return [Token(from_bytes(bytes(b.value for b in of)), of[-1].cycle) for of in whole]


def build_timed(design: TimedDesign, models: str, work: Path, out: Path, data: str = PLAIN.data) -> TimedChip:
    """Compile a chip; the same files in each run.

    Args:
        design: The chip.
        models: Verilog of its memories.
        work: For all other files; made if missing.
        out: Where the program goes; made if missing.
        data: What its ports with bytes are called after rx_ and tx_.

    Raises:
        FlowError: Icarus is missing or fails.
    """
    work.mkdir(parents=True, exist_ok=True)
    out.mkdir(parents=True, exist_ok=True)
    for name in ("timed_host.v", "timed_cells.v", "ahead.c"):
        (work / name).write_text(files("signoff.gatesim").joinpath(name).read_text("utf-8"))
    (work / "chip.v").write_text(_module(design, data))
    (work / "memories.v").write_text(models)
    options = ["-g2012", f"-DSCF_BANK_DELAY={MODEL_STEP}", "-s", "host", "-o", _PROGRAM]
    sources = ["timed_host.v", "timed_cells.v", "chip.v", "memories.v"]
    run_tool(["iverilog", *options, *sources], work, "compile", "iverilog")
    (out / _PROGRAM).write_bytes(lean((work / _PROGRAM).read_bytes(), design.watched))
    (work / "netlist.h").write_text(design.ahead)
    # Better code would take a hundred seconds more, and save three.
    run_tool(["gcc", "-O0", "-o", _AHEAD, "ahead.c"], work, _AHEAD, "iverilog")
    shutil.copy2(work / _AHEAD, out / _AHEAD)
    (out / _BEGIN).write_text(design.begin)
    (out / _LIMITS).write_text(design.watch)
    (out / _TOLD).write_bytes(msgspec.json.encode(design.limits))
    return TimedChip(out, design.limits)


def run_timed(
    chip: TimedChip,
    contents: Mapping[str, Path],
    requests: Sequence[Request],
    trials: Sequence[Trial],
    work: Path,
    protocol: Protocol = PLAIN,
    begin: Path | None = None,
) -> list[TimedRun]:
    """Run requests, as often as there are trials, one after another in one simulation.

    Args:
        chip: What `build_timed` returned.
        contents: By instance of a ROM, the file with its contents: a line a word, hexadecimal.
        requests: What to send, one after another.
        trials: How; each begins with what the one before left behind.
        work: For all files; made if missing.
        protocol: How tokens travel.
        begin: What all that holds a value begins with, as `TimedChip.begin`; None for that.

    Returns:
        What came out, for each trial.

    Raises:
        FlowError: Icarus or a C compiler is missing, fails, was killed, or stopped before its end.
    """
    work.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(chip.folder / _LIMITS, work / _LIMITS)
    # Not part of the chip's program: it holds the path of this folder.
    (work / "limits.c").write_text(files("signoff.gatesim").joinpath("limits.c").read_text("utf-8"))
    run_tool(["iverilog-vpi", f"--name={_WATCH}", "limits.c"], work, "limits", "iverilog")
    for rom, file in contents.items():
        shutil.copyfile(file, work / f"{rom}.hex")
    sent = request_bytes(requests, protocol)
    (work / "requests.hex").write_text("".join(f"{b:02x}\n" for b in sent))
    tokens = protocol.token_bytes * sum(len(r.expected) for r in requests)
    (work / "runs.txt").write_text("".join(_line(trial, tokens) for trial in trials))
    plusargs = ["+bytes=requests.hex", f"+count={len(sent)}", "+runs=runs.txt"]
    program = chip.folder.absolute() / _PROGRAM
    shutil.copyfile(begin or chip.begin, work / _BEGIN)
    if begin:
        loaded = with_flops(program.read_bytes(), *_flops(chip, begin))
        program = work.absolute() / _PROGRAM
        program.write_bytes(loaded)
    began = time.monotonic()
    done = [TimedRun()]
    with running(["vvp", "-n", "-M.", f"-m{_WATCH}", str(program), *plusargs], work) as lines:
        for line in lines:
            now = done[-1]
            word, *rest = line.split() or [""]
            if word == "TOKEN" and rest[0].isdigit():
                now.said.append(Token(int(rest[0]), int(rest[1])))
            elif word == "LAST":
                now.last = int(rest[0]), int(rest[1])
            elif word == "VIOLATION":
                now.first.append(line.strip())
            elif word == "COUNTED":
                now.violations[rest[0]] = int(rest[1])
            elif word == "LEAST":
                now.least = int(rest[0]) / 1000
            elif word == "WATCHED":
                now.checks, now.edges = int(rest[0]), int(rest[2])
            elif word == "END":
                now.cycles, now.seconds = int(rest[0]), time.monotonic() - began
                done.append(TimedRun())
            elif line.strip():
                now.fault = now.fault or line.strip()
    rest_of = done.pop()
    if len(done) < len(trials) or not all(run.violations for run in done):
        why = f": {rest_of.fault}" if rest_of.fault else ""
        where = str(work / "run.log")
        raise FlowError(f"the simulator stopped before its end{why}", where=where, code=ExitCode.TOOL_FAILED)
    return done


def _flops(chip: TimedChip, begin: Path) -> tuple[dict[str, str], dict[str, str]]:
    """The net of each flop, and what it begins with."""
    nets, values = (
        dict(line.split(" ")[1:] for line in path.read_text("utf-8").splitlines() if line.startswith("flop "))
        for path in (chip.folder / _LIMITS, begin)
    )
    return {name: f"n{number}" for name, number in nets.items()}, values


def _line(trial: Trial, tokens: int) -> str:
    """A trial as the host reads it."""
    c = trial.clock
    times = c.period, c.high, c.input, c.output, c.reset, c.sweep, c.shrink
    t = trial
    ends = c.again, tokens - t.seen, PATIENCE, t.cycles, t.until
    fields = (*times, *ends, t.first, t.sent, t.last)
    return " ".join(map(str, fields)) + "\n"


def _module(design: TimedDesign, data: str) -> str:
    """The chip as a module with the host's ports; it calls its bytes rx_ and tx_`data`."""
    lines = []
    for port, width in _PORTS.items():
        way = "output" if port in _OUT else "input"
        lines.append(f"  {way} {f'[{width - 1}:0] ' if width else ''}{port}")
    joins = []
    for port, net in design.ports.items():
        bit = re.sub(rf"^([rt]x)_{data}\b", r"\1_data", port)
        name = bit.partition("[")[0]
        if name not in _PORTS:
            raise FlowError(f"the netlist has a port {port} that no host knows", where="timed simulation")
        joins.append(f"assign {bit} = {net};" if name in _OUT else f"assign {net} = {bit};")
    ports, call = ",\n".join(lines), f'initial $scf_limits("{_LIMITS}");'
    return "\n".join(
        ["`timescale 1ns / 1ps", f"module chip (\n{ports}\n);", design.body, *joins, call, "endmodule", ""]
    )
