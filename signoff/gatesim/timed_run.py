"""Simulates a routed chip with the delays of its SDF, in Icarus, with every limit watched."""

__all__ = ["Clock", "TimedChip", "TimedRun", "build_timed", "run_timed"]

import re
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from rtl_gen.errors import ExitCode, FlowError
from signoff.gatesim.host import PLAIN, Protocol, Request, request_bytes
from signoff.gatesim.simulate import Token
from signoff.gatesim.timed import MODEL_STEP, Limits, TimedDesign
from signoff.gatesim.tools import run_tool, running

PATIENCE = 60_000
_LIMITS = "limits.txt"
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
class TimedChip:
    """A compiled chip.

    Attributes:
        folder: Where it runs.
        limits: What of the SDF is in it.
        protocol: How its host talks to it.
    """

    folder: Path
    limits: Limits
    protocol: Protocol


@dataclass(frozen=True)
class TimedRun:
    """What came out of a run.

    Attributes:
        violations: Number by kind; `first`: some of them, as printed.
        checks: Setup and hold limits watched; `edges`: of their clocks that were seen.
        least: From a last change of data to the beginning of its setup window, ns: the least seen.
        fault: Why it cannot be trusted; empty if it ended as it should.
        rises: How often each wire rose after reset, by its number; those that never did are left out.
    """

    tokens: tuple[Token, ...]
    cycles: int
    seconds: float
    violations: Mapping[str, int]
    first: tuple[str, ...]
    checks: int
    edges: int
    least: float
    fault: str
    rises: Mapping[int, int]


def build_timed(design: TimedDesign, models: str, work: Path, protocol: Protocol = PLAIN) -> TimedChip:
    """Compile a chip.

    Args:
        design: The chip.
        models: Verilog of its memories.
        work: For all files; made if missing.
        protocol: How its host talks to it.

    Raises:
        FlowError: Icarus or a C compiler is missing or fails.
    """
    work.mkdir(parents=True, exist_ok=True)
    source = files("signoff.gatesim")
    for name in ("limits.c", "timed_host.v", "timed_cells.v"):
        (work / name).write_text(source.joinpath(name).read_text("utf-8"))
    (work / "chip.v").write_text(_module(design, protocol.data))
    (work / _LIMITS).write_text(design.watch)
    (work / "memories.v").write_text(models)
    run_tool(["iverilog-vpi", "--name=limits", "limits.c"], work, "limits", "iverilog")
    options = ["-g2012", f"-DSCF_BANK_DELAY={MODEL_STEP}", "-s", "host", "-o", "chip.vvp"]
    sources = ["timed_host.v", "timed_cells.v", "chip.v", "memories.v"]
    run_tool(["iverilog", *options, *sources], work, "compile", "iverilog")
    return TimedChip(work, design.limits, protocol)


def run_timed(
    chip: TimedChip,
    contents: Mapping[str, Path],
    requests: Sequence[Request],
    clock: Clock,
    *,
    cycles: int = 0,
    until: str = "-",
    activity: bool = False,
    on_token: Callable[[Token], None] = lambda token: None,
) -> TimedRun:
    """Run requests.

    Args:
        chip: What `build_timed` returned.
        contents: By instance of a ROM, the file with its contents: a line a word, hexadecimal.
        requests: What to send, one after another.
        clock: When.
        cycles: Ends after so many; 0: when all tokens came.
        until: Ends at the first violation of this kind.
        activity: Count the rises of every net.
        on_token: Called as each token appears.

    Raises:
        FlowError: Icarus cannot be started, was killed, or stopped before its end.
    """
    for rom, file in contents.items():
        shutil.copyfile(file, chip.folder / f"{rom}.hex")
    sent, token_bytes = request_bytes(requests, chip.protocol), chip.protocol.token_bytes
    (chip.folder / "requests.hex").write_text("".join(f"{b:02x}\n" for b in sent))
    numbers = {
        "period": clock.period, "high": clock.high, "input": clock.input, "output": clock.output,
        "reset": clock.reset, "sweep": clock.sweep, "shrink": clock.shrink, "again": clock.again,
        "count": len(sent), "patience": PATIENCE, "cycles": cycles,
        "tokens": token_bytes * sum(len(r.expected) for r in requests),
    }  # fmt: skip
    plusargs = [f"+{name}={value}" for name, value in numbers.items()]
    plusargs += ["+bytes=requests.hex", f"+until={until}", *["+activity"] * activity]
    counted = chip.folder / "activity.txt"
    counted.unlink(missing_ok=True)
    tokens: list[Token] = []
    came: list[int] = []
    found: dict[str, int] = {}
    first: list[str] = []
    fault, ended, checks, edges, least = "", -1, 0, 0, 0.0
    began = time.monotonic()
    command = ["vvp", "-n", "-M.", "-mlimits", "chip.vvp", *plusargs]
    with running(command, chip.folder) as lines:
        for line in lines:
            word, *rest = line.split() or [""]
            if word == "TOKEN" and rest[0].isdigit():
                came.append(int(rest[0]))
                if len(came) == token_bytes:
                    tokens.append(Token(int.from_bytes(bytes(came), "little"), int(rest[1])))
                    came.clear()
                    on_token(tokens[-1])
            elif word == "VIOLATION":
                first.append(line.strip())
            elif word == "COUNTED":
                found[rest[0]] = int(rest[1])
            elif word == "LEAST":
                least = int(rest[0]) / 1000
            elif word == "WATCHED":
                checks, edges = int(rest[0]), int(rest[2])
            elif word == "END":
                ended = int(rest[0])
            elif line.strip():
                fault = fault or line.strip()
    if ended < 0 or not found:
        why = f": {fault}" if fault else ""
        where = str(chip.folder / "run.log")
        raise FlowError(f"the simulator stopped before its end{why}", where=where, code=ExitCode.TOOL_FAILED)
    seconds = time.monotonic() - began
    words = counted.read_text().split() if activity else []
    rises = dict(zip(map(int, words[::2]), map(int, words[1::2]), strict=True))
    return TimedRun(
        tuple(tokens), max(ended, 0), seconds, found, tuple(first), checks, edges, least, fault, rises
    )


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
