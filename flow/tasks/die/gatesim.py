"""Dies say what the golden model says: their RTL, and their netlist of cells, with the ROMs read back."""

__all__ = ["STATES", "GatesimTask", "RtlsimTask", "die_chip"]

import functools
import json
import shutil
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from flow.tasks.die.programmed import LOADED, dies_of, positions_of, read_chip
from flow.tasks.die.simulators import LACKING
from flow.tasks.step import Job, Result, StepTask
from rtl_gen.tools import require
from signoff.result import CheckResult

if TYPE_CHECKING:
    from signoff.gatesim import Request, Simulation
    from signoff.gatesim.host import Protocol

STATES = "states.json"  # what each die held while one token was made, if that was told
SPOILED = "rom_0_0.bank0.macro"  # inverted for the control, in the first die


class GatesimTask(StepTask):
    """Generates one text a seed, from `--seed` on, and shows each as it grows; the control spoils the ROM.

    Attributes:
        simulator_step: Which simulator runs.
        metric: How the names of its metrics begin.
        tells: Whether it writes `STATES`; the simulator must be one that can.
    """

    step_name = "gatesim"
    needs: ClassVar[tuple[str, ...]] = ("quantise", "compile", "simulator", "readback")
    config = ("model", "model_digest", "base", "prompt", "seed", "temperature", "words", "context")
    tools = ("verilator",)
    is_check = True
    simulator_step: ClassVar[str] = "simulator"
    metric: ClassVar[str] = "gate_sim"
    tells: ClassVar[bool] = True

    def work(self, job: Job) -> Result:
        from flow.tasks.integer_model import golden_model
        from flow.tasks.model import load_model
        from rtl_gen.golden.sampling import beta_of
        from signoff.gatesim import Request, Token, simulate

        if (lacking := job.inputs[self.simulator_step] / LACKING).exists():
            names, why = (self.step_name, f"{self.step_name}_control"), lacking.read_text("utf-8")
            return Result([CheckResult.not_run(n, why, "verilator") for n in names])
        model = load_model(job.config)
        golden = golden_model(job.inputs["quantise"], positions_of(job))
        prompt = model.prompt(job.config.prompt)
        said = prompt[1:] if prompt[0] == model.begin else prompt
        beta = beta_of(job.config.temperature)
        contents, protocol = die_chip(job)
        protocol.check(beta)
        requests = []
        for n in range(job.config.words):
            seed = job.config.seed + n
            tokens = tuple(golden.generate(prompt, beta=beta, seed=seed))
            requests.append(Request(prompt, beta, seed, tokens))
        decode = model.tokenizer.decode
        ends = [len(r.expected) for r in requests]
        came: list[int] = []

        def show(token: Token) -> None:
            came.append(token.value)
            text = sum(1 for n in range(len(ends)) if sum(ends[: n + 1]) < len(came))
            job.say(decode(said + came[sum(ends[:text]) :]))

        program = job.scratch / "simulator"
        shutil.copyfile(job.inputs[self.simulator_step] / "simulator", program)
        program.chmod(0o755)
        run = functools.partial(simulate, program, f"scf_{job.config.base}", protocol=protocol)
        between = _whole_token(requests) if self.tells else None
        done = run(contents, requests, job.scratch / "run", show, between=between)
        # The first text once more from other random register contents: what is never set must not matter.
        first = requests[:1]
        again = run(contents, first, job.scratch / "again", start=2)
        same_start = again.split(first) == done.split(first)
        equal = done.equals(requests) and same_start
        head, *rest = contents
        spoil = _inverted(head[SPOILED], job.scratch / "spoiled.hex")
        spoiled = run([head | {SPOILED: spoil}, *rest], first, job.scratch / "control")
        texts = [decode(said + t) for t in done.split(requests)]
        # The last token is not fed back; every other one, and every token of the prompt, costs a pass.
        passes = sum(len(prompt) + len(r.expected) - 1 for r in requests)
        expected = [t for r in requests for t in r.expected]
        wrong = sum(a != b for a, b in zip_longest(expected, (t.value for t in done.tokens)))
        row = CheckResult(
            self.step_name,
            "verilator",
            require("verilator"),
            wrong,
            0,
            "pass" if equal else "fail",
            "" if equal else done.fault or _difference(wrong, same_start),
            f"{len(done.tokens)} tokens equal the golden model's",
        )
        missed = spoiled.equals(first)
        control = CheckResult(
            f"{self.step_name}_control",
            "verilator",
            require("verilator"),
            int(missed),
            0,
            "fail" if missed else "pass",
            "a ROM with inverted word lines was not noticed" if missed else "",
            "a ROM with inverted word lines says something else",
        )
        if between and equal:
            _keep_states(job, requests, done, between, len(contents))
        (job.out / "text.txt").write_text("".join(f"{t}\n" for t in texts), "utf-8")
        metrics = {
            "cycles_per_token": done.cycles / passes,
            f"{self.metric}_cycles_per_s": done.cycles / done.seconds if done.seconds else 0.0,
            f"{self.metric}_s_per_token": done.seconds / passes,
            f"{self.metric}_tokens": len(done.tokens),
        }
        return Result([row, control], metrics, texts, equal, note=", ".join(texts))


class RtlsimTask(GatesimTask):
    """The same of the tiles' RTL."""

    step_name = "rtlsim"
    needs = ("quantise", "compile", "rtl_simulator", "readback")
    simulator_step = "rtl_simulator"
    metric = "rtl_sim"
    tells = False


def die_chip(job: Job) -> "tuple[list[dict[str, Path]], Protocol]":
    """Of each die the file that was read back of each ROM macro, by its instance; and how tokens travel.

    Needs `compile` and `readback`.
    """
    from signoff.gatesim.host import Protocol

    told = read_chip(job.inputs["compile"])
    contents = [
        {name: job.inputs["readback"] / die / f"{name}.hex" for name in told["roms"]} for die in dies_of(job)
    ]
    loaded = (job.inputs["compile"] / LOADED).read_bytes()
    return contents, Protocol("payload", told["token_bytes"], told["count_bytes"], loaded, told["greedy"])


def _whole_token(requests: "Sequence[Request]") -> tuple[int, int] | None:
    """Numbers of two tokens, one after the other, in the middle of the first text that has two."""
    before = 0
    for request in requests:
        if (count := len(request.expected)) > 1:
            return before + count // 2, before + count // 2 + 1
        before += count
    return None


def _keep_states(
    job: Job, requests: "Sequence[Request]", done: "Simulation", between: tuple[int, int], dies: int
) -> None:
    """Write what each die held behind every edge of the clock while a token was made, and which one it is."""
    from signoff.gatesim import read_states

    number, text = between[1], 0
    while number > len(requests[text].expected):
        number -= len(requests[text].expected)
        text += 1
    begin, end = (done.tokens[n - 1].cycle for n in between)
    top = f"scf_{job.config.base}"
    each = [read_states(job.scratch / "run", top, n) for n in range(dies)]
    token = f"token {number} of text {text + 1}, at position {len(requests[text].prompt) + number - 2}"
    states = [{name: f"{value:x}" for name, value in die.items()} for die in each]
    told = {"token": token, "cycles": end - begin, "states": states}
    (job.out / STATES).write_text(json.dumps(told, sort_keys=True))


def _difference(wrong: int, same_start: bool) -> str:
    if wrong or same_start:
        return f"{wrong} tokens differ from the golden model's"
    return "the tokens depend on what the registers hold before reset"


def _inverted(contents: Path, to: Path) -> Path:
    """A copy of a macro's contents with every word inverted."""
    lines = contents.read_text().split()
    to.write_text("".join(f"{(1 << 4 * len(line)) - 1 - int(line, 16):0{len(line)}x}\n" for line in lines))
    return to
