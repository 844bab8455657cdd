"""A routed chip says a token with the delays of its SDF, at its clock, and misses no limit."""

__all__ = ["CORNER", "run"]

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from signoff.gatesim.host import PLAIN, Protocol, Request
from signoff.gatesim.parts import Part, cut, differences, joined, spoiled
from signoff.gatesim.simulate import Token
from signoff.gatesim.timed_run import Clock, TimedChip, TimedRun, Trial, run_timed
from signoff.result import CheckResult

CORNER = "typical"
TOOL = "Icarus Verilog"
_SHOWN = 3
_CYCLES = 650  # of a control, at most: a clock that gets 0.6 % faster in each is then fifty times as fast


def run(
    chip: TimedChip,
    clock: Clock,
    contents: Mapping[str, Path],
    requests: Sequence[Request],
    version: str,
    workdir: Path,
    protocol: Protocol = PLAIN,
    parts: int = 2,
) -> tuple[list[CheckResult], dict[str, float], list[Token]]:
    """Run requests in parts; and beside them a few cycles with faults that must be noticed.

    Args:
        chip: The chip with its delays.
        clock: At which it is signed off.
        contents: By instance of a ROM, the file with its contents.
        requests: What to ask, with what the golden model says.
        version: Of Icarus.
        workdir: For all files; made if missing.
        protocol: How tokens travel.
        parts: How many, at least two, all at the same time.

    Returns:
        The rows `timed` and `timed_control`; metrics; and the tokens that came.

    Raises:
        FlowError: Icarus fails, or the chip says no token without delays.
    """

    def simulate(folder: Path, part: Part, *more: Trial) -> list[TimedRun]:
        return run_timed(chip, contents, requests, [part.trial, *more], folder, protocol, part.begin)

    pieces = cut(chip, contents, requests, clock, parts, workdir / "ahead", protocol)
    folders, aside = [workdir / f"part{n}" for n in range(1, parts + 1)], workdir / "control"
    flop, wrong = spoiled(pieces[1], workdir / "wrong")
    controls = [Trial(make(clock), _CYCLES, name.partition(" ")[0]) for name, make in _CONTROLS.items()]
    with ThreadPoolExecutor(parts + 1) as beside:
        running = [beside.submit(simulate, *each) for each in zip(folders, pieces, strict=True)]
        found = beside.submit(simulate, aside, wrong, *controls)
        runs = [run for one in running for run in one.result()]
        seen = [run.violations.get(t.until, 0) for t, run in zip(controls, found.result()[1:], strict=True)]
    seen.append(any(what.startswith(f"flop {flop}:") for what in differences(folders[0], aside)))
    names = [*_CONTROLS, "a part that begins with one flop wrong"]
    lost = [name for name, one in zip(names, seen, strict=True) if not one]
    control = CheckResult(
        "timed_control", TOOL, version, len(lost), 0, "fail" if lost else "pass",
        f"not found: {', '.join(lost)}" if lost else "",
        f"found: {', '.join(n for n in names if n not in lost)}",
    )  # fmt: skip
    seams = [what for before, after in pairwise(folders) for what in differences(before, after)]
    for run, (_, piece) in zip(runs, pairwise(pieces), strict=False):
        if run.last != (given := (piece.trial.sent, piece.trial.seen)):
            seams.append(f"bytes of host and chip: {run.last}, then {given}")
    done = joined(pieces, runs)
    metrics = {
        "timed_cycles": float(done.cycles),
        "timed_least_margin_ns": done.least,
        "timed_cycles_per_s": done.cycles / done.seconds if done.seconds else 0.0,
    }
    tokens = done.tokens(protocol)
    row = _row(done, seams, tokens, pieces, chip, requests, version)
    return [row, control], metrics, tokens


# By kind of violation: what brings it about, of a clock at which there is none. The first leaves nothing
# unknown behind, and the last is found whatever the ones before have left.
_CONTROLS: Mapping[str, Callable[[Clock], Clock]] = {
    "setup of inputs that change at the edge": lambda c: replace(c, input=0, reset=0, sweep=c.period / 800),
    # A chip whose first wrong value makes it wait for its host would never miss a limit: it starts anew.
    "setup at a clock that gets faster": lambda c: replace(c, shrink=0.006, again=64),
    "width of the clock's high phase, a tenth of it": lambda c: replace(c, high=c.high / 10),
}


def _row(
    done: TimedRun,
    seams: Sequence[str],
    tokens: Sequence[Token],
    pieces: Sequence[Part],
    chip: TimedChip,
    requests: Sequence[Request],
    version: str,
) -> CheckResult:
    expected = [t for r in requests for t in r.expected]
    came = [t.value for t in tokens]
    missed = sum(done.violations.values())
    wrong = sum(a != b for a, b in zip(came, expected, strict=False)) + abs(len(came) - len(expected))
    missing = len(chip.limits.missing)
    faults = list(done.first[:_SHOWN])
    if seams:
        faults.append(
            f"a part begins with what the part before does not end with: {'; '.join(seams[:_SHOWN])}"
        )
    if wrong:
        faults.append(f"{wrong} tokens differ: {came} came, {expected} expected")
    if missing:
        faults.append(f"no delay: {', '.join(chip.limits.missing[:_SHOWN])}")
    if done.fault:
        faults.append(done.fault)
    if not done.checks or not done.edges:
        faults.append("no limit was watched")
    delays = chip.limits.paths + chip.limits.wires
    detail = (
        f"{len(expected)} token at {pieces[0].trial.clock.period:g} ns, in {len(pieces)} parts: {done.cycles}"
        f" cycles, {done.checks} setup and hold"
        f" limits, {done.edges} edges of their clocks, the nearest data {done.least:.2f} ns before its limit,"
        f" {delays} delays from SDF"
    )
    return CheckResult(
        "timed", TOOL, version, missed + wrong + missing + len(seams) + bool(done.fault), 0,
        "fail" if faults or missed else "pass",
        faults[0] if faults else "", "; ".join([*faults, detail]),
    )  # fmt: skip
