"""A routed chip says a token with the delays of its SDF, at its clock, and misses no limit."""

__all__ = ["CORNER", "run"]

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from signoff.gatesim.host import PLAIN, Protocol, Request
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
    on_token: Callable[[Token], None] = lambda token: None,
) -> tuple[list[CheckResult], dict[str, float]]:
    """Run requests; and beside them a few cycles of them with clocks and inputs that must be noticed.

    Args:
        chip: The chip with its delays.
        clock: At which it is signed off.
        contents: By instance of a ROM, the file with its contents.
        requests: What to ask, with what the golden model says.
        version: Of Icarus.
        workdir: For all files; made if missing.
        protocol: How tokens travel.
        on_token: Called as each token appears.

    Returns:
        The rows `timed` and `timed_control`; and metrics.

    Raises:
        FlowError: Icarus fails.
    """
    with ThreadPoolExecutor(1) as beside:
        found = beside.submit(_found, chip, contents, requests, clock, workdir / "control", protocol)
        trial = [Trial(clock)]
        (done,) = run_timed(chip, contents, requests, trial, workdir / "token", protocol, on_token)
        lost = [name for name, seen in found.result().items() if not seen]
    control = CheckResult(
        "timed_control", TOOL, version, len(lost), 0, "fail" if lost else "pass",
        f"not found: {', '.join(lost)}" if lost else "",
        f"found: {', '.join(n for n in found.result() if n not in lost)}",
    )  # fmt: skip
    metrics = {
        "timed_cycles": float(done.cycles),
        "timed_least_margin_ns": done.least,
        "timed_cycles_per_s": done.cycles / done.seconds if done.seconds else 0.0,
    }
    return [_row(done, chip, requests, clock, version), control], metrics


# By kind of violation: what brings it about, of a clock at which there is none. The first leaves nothing
# unknown behind, and the last is found whatever the ones before have left.
_CONTROLS: Mapping[str, Callable[[Clock], Clock]] = {
    "setup of inputs that change at the edge": lambda c: replace(c, input=0, reset=0, sweep=c.period / 800),
    # A chip whose first wrong value makes it wait for its host would never miss a limit: it starts anew.
    "setup at a clock that gets faster": lambda c: replace(c, shrink=0.006, again=64),
    "width of the clock's high phase, a tenth of it": lambda c: replace(c, high=c.high / 10),
}


def _found(
    chip: TimedChip,
    contents: Mapping[str, Path],
    requests: Sequence[Request],
    clock: Clock,
    work: Path,
    protocol: Protocol,
) -> dict[str, bool]:
    """Whether each of the controls misses the limit that it is to miss, by its name."""
    kinds = [name.partition(" ")[0] for name in _CONTROLS]
    trials = [Trial(make(clock), _CYCLES, kind) for kind, make in zip(kinds, _CONTROLS.values(), strict=True)]
    done = run_timed(chip, contents, requests, trials, work, protocol)
    return {
        name: run.violations.get(kind, 0) > 0 for name, kind, run in zip(_CONTROLS, kinds, done, strict=True)
    }


def _row(
    done: TimedRun, chip: TimedChip, requests: Sequence[Request], clock: Clock, version: str
) -> CheckResult:
    expected = [t for r in requests for t in r.expected]
    came = [t.value for t in done.tokens]
    missed = sum(done.violations.values())
    wrong = sum(a != b for a, b in zip(came, expected, strict=False)) + abs(len(came) - len(expected))
    missing = len(chip.limits.missing)
    faults = list(done.first[:_SHOWN])
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
        f"{len(expected)} token at {clock.period:g} ns: {done.cycles} cycles, {done.checks} setup and hold"
        f" limits, {done.edges} edges of their clocks, the nearest data {done.least:.2f} ns before its limit,"
        f" {delays} delays from SDF"
    )
    return CheckResult(
        "timed", TOOL, version, missed + wrong + missing + bool(done.fault), 0,
        "fail" if faults or missed else "pass",
        faults[0] if faults else "", "; ".join([*faults, detail]),
    )  # fmt: skip
