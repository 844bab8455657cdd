"""A timed run in parts, side by side: each begins with what the netlist holds without delays.

A part runs on through the cycle in which the next one begins, and counts in it. When that cycle begins, both
must hold the same: then the next one goes on as this one would, and every edge is in one of them.
"""

__all__ = ["Part", "cut", "differences", "joined", "spoiled"]

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rtl_gen.errors import ExitCode, FlowError
from signoff.gatesim.host import Protocol, Request, request_bytes
from signoff.gatesim.timed_run import FIRST, LAST, PATIENCE, Clock, TimedChip, TimedRun, Trial
from signoff.gatesim.tools import running

_AHEAD = "ahead"


@dataclass(frozen=True)
class Part:
    """A part of a run.

    Attributes:
        trial: How it runs.
        begin: What all that holds a value begins with; None for what the chip begins with.
    """

    trial: Trial
    begin: Path | None = None


def cut(
    chip: TimedChip,
    contents: Mapping[str, Path],
    requests: Sequence[Request],
    clock: Clock,
    count: int,
    work: Path,
    protocol: Protocol,
) -> list[Part]:
    """Parts of the same number of cycles.

    Args:
        chip: The chip with its delays, and without.
        contents: By instance of a ROM, the file with its contents.
        requests: What to ask.
        clock: Of all parts.
        count: Of parts.
        work: For all files; made if missing.
        protocol: How tokens travel.

    Raises:
        FlowError: Without delays the chip says too little, or the program fails.
    """
    work.mkdir(parents=True, exist_ok=True)
    for rom, file in contents.items():
        shutil.copyfile(file, work / f"{rom}.hex")
    (work / "requests").write_text("".join(f"{b:02x}\n" for b in request_bytes(requests, protocol)))
    shutil.copyfile(chip.begin, work / "begin")
    program = work.absolute() / _AHEAD
    shutil.copyfile(chip.ahead, program)
    program.chmod(0o755)
    tokens = protocol.token_bytes * sum(len(r.expected) for r in requests)
    numbers = tokens, PATIENCE, int(clock.reset > clock.high), count
    command = [str(program), "begin", "requests", *map(str, numbers)]
    with running(command, work) as lines:
        told = [line.split() for line in lines]
    cuts = [tuple(map(int, words[1:])) for words in told if words[0] == "CUT"]
    if [words[0] for words in told] != ["CUT"] * (count - 1) + ["END"]:
        why = " ".join(told[-1]) if told else "it said nothing"
        raise FlowError(
            f"without delays the chip does not run in {count} parts: {why}", where=str(work),
            hint="See the row gatesim.", code=ExitCode.TOOL_FAILED,
        )  # fmt: skip
    parts = [Part(Trial(clock))]
    for number, (cycle, sent, seen) in enumerate(cuts, 1):
        before = parts.pop()
        parts.append(replace(before, trial=replace(before.trial, last=cycle, cycles=cycle + 1)))
        parts.append(Part(Trial(clock, first=cycle, sent=sent, seen=seen), work / f"part{number}"))
    return parts


def joined(parts: Sequence[Part], done: Sequence[TimedRun]) -> TimedRun:
    """All parts as one run; bytes of the cycle that two of them run are those of the second."""
    whole = TimedRun(cycles=done[-1].cycles, seconds=max(run.seconds for run in done), checks=done[0].checks)
    whole.least = min(run.least for run in done)
    for part, run in zip(parts, done, strict=True):
        end = part.trial.last or run.cycles
        whole.said += [byte for byte in run.said if byte.cycle < end]
        whole.first += run.first
        whole.edges += run.edges
        whole.fault = whole.fault or run.fault
        for kind, count in run.violations.items():
            whole.violations[kind] = whole.violations.get(kind, 0) + count
    return whole


def differences(before: Path, after: Path) -> list[str]:
    """What a part does not hold when the next one begins with it, such as "flop a: 0, then 1".

    Args:
        before, after: Folders of their runs.
    """
    if not (before / LAST).exists():
        return ["a part did not come to where the next one begins"]
    texts = [path.read_text("utf-8") for path in (before / LAST, after / FIRST)]
    lines = zip(*(text.splitlines() for text in texts), strict=True)
    return [found for one, other in lines if one != other for found in _told(one.split(), other.split())]


def _told(one: Sequence[str], other: Sequence[str]) -> Iterator[str]:
    kind, name, *values = one
    for number, (a, b) in enumerate(zip(values, other[2:], strict=True)):
        if a != b:
            place = f" {number}" if len(values) > 1 else ""  # 0 is the q of a memory, or the data of a check
            yield f"{kind} {name}{place}: {a}, then {b}"


def spoiled(part: Part, to: Path) -> tuple[str, Part]:
    """A flop, and the first cycle of a part that begins with another value of it.

    Args:
        part: Not the first of a run.
        to: File for what it begins with.
    """
    assert part.begin
    text = part.begin.read_text("utf-8")
    _, name, value = (line := next(line for line in text.splitlines() if line.startswith("flop "))).split()
    to.write_text(text.replace(f"{line}\n", f"flop {name} {1 - int(value)}\n", 1))
    return name, Part(replace(part.trial, last=0, cycles=part.trial.first + 1), to)
