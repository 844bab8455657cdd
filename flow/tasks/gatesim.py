"""The netlist with the ROM that was read back generates text, token for token as the golden model."""

__all__ = ["ACTIVITY", "LACKING", "Chip", "GatesimTask"]

import functools
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from flow.tasks.step import Job, Result, StepTask
from rtl_gen.tools import require
from signoff.result import CheckResult

if TYPE_CHECKING:
    from rtl_gen.golden.decoder import GoldenDecoder
    from rtl_gen.golden.network import Network
    from signoff.gatesim import Request, Simulation
    from signoff.gatesim.host import Protocol

ACTIVITY = "activity.json"  # what rose while one token was made, if that was counted
LACKING = "lacking.txt"  # in place of a simulator: why there is none


@dataclass(frozen=True)
class Chip:
    """What a simulator needs of a chip, or of a chain of dies.

    Attributes:
        contents: Of each die the file of each ROM macro, by its instance.
        protocol: How tokens travel.
        spoiled: For the control: the macro of the first die whose words from `from_line` on, where weights
            are, are inverted.
    """

    contents: list[dict[str, Path]]
    protocol: "Protocol"
    spoiled: str
    from_line: int


class GatesimTask(StepTask):
    """Generates one text a seed, from `--seed` on, and shows each as it grows; the control spoils the ROM.

    Attributes:
        counts: Whether it writes `ACTIVITY`; the simulator must be one that counts rises.
    """

    step_name = "gatesim"
    needs: ClassVar[tuple[str, ...]] = ("quantise", "simulator", "readback")
    config: ClassVar[tuple[str, ...]] = (
        "model", "model_digest", "base", "prompt", "seed", "temperature", "words",
    )  # fmt: skip
    tools = ("verilator",)
    is_check = True
    simulator_step: ClassVar[str] = "simulator"
    metric: ClassVar[str] = "gate_sim"
    counts: ClassVar[bool] = False

    def chip(self, job: Job) -> "Chip":
        """The chip to simulate."""
        from base_chip.config import load_base
        from signoff.gatesim.host import NANO

        rom = load_base(job.config.base).rom
        contents = {f"rom.bank{n}": job.inputs["readback"] / f"bank{n}.hex" for n in range(rom.banks)}
        return Chip([contents], NANO, "rom.bank0", rom.word_lines // 2)

    def golden(self, job: Job) -> "GoldenDecoder | Network":
        """What the chip must say."""
        from flow.tasks.integer_model import golden_model

        return golden_model(job.inputs["quantise"])

    def work(self, job: Job) -> Result:
        from flow.tasks.model import load_model
        from rtl_gen.golden.sampling import beta_of
        from signoff.gatesim import Request, Token, simulate

        if (lacking := job.inputs[self.simulator_step] / LACKING).exists():
            names, why = (self.step_name, f"{self.step_name}_control"), lacking.read_text("utf-8")
            return Result([CheckResult.not_run(n, why, "verilator") for n in names])
        model = load_model(job.config)
        golden = self.golden(job)
        prompt = model.prompt(job.config.prompt)
        said = prompt[1:] if prompt[0] == model.begin else prompt
        beta = beta_of(job.config.temperature)
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
        chip = self.chip(job)
        run = functools.partial(simulate, program, f"scf_{job.config.base}", protocol=chip.protocol)
        between = _whole_token(requests) if self.counts else None
        done = run(chip.contents, requests, job.scratch / "run", show, between=between)
        # The first text once more from other random register contents: what is never set must not matter.
        first = requests[:1]
        again = run(chip.contents, first, job.scratch / "again", start=2)
        same_start = again.split(first) == done.split(first)
        equal = done.equals(requests) and same_start
        head, *rest = chip.contents
        spoil = _spoiled(head[chip.spoiled], job.scratch / "spoiled.hex", chip.from_line)
        spoiled = run([head | {chip.spoiled: spoil}, *rest], first, job.scratch / "control")
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
            _keep_activity(job, requests, done, between, len(chip.contents))
        (job.out / "text.txt").write_text("".join(f"{t}\n" for t in texts), "utf-8")
        metrics = {
            "cycles_per_token": done.cycles / passes,
            f"{self.metric}_cycles_per_s": done.cycles / done.seconds if done.seconds else 0.0,
            f"{self.metric}_s_per_token": done.seconds / passes,
            f"{self.metric}_tokens": len(done.tokens),
        }
        return Result([row, control], metrics, texts, equal, note=", ".join(texts))


def _whole_token(requests: "Sequence[Request]") -> tuple[int, int] | None:
    """Numbers of two tokens, one after the other, in the middle of the first text that has two."""
    before = 0
    for request in requests:
        if (count := len(request.expected)) > 1:
            return before + count // 2, before + count // 2 + 1
        before += count
    return None


def _keep_activity(
    job: Job, requests: "Sequence[Request]", done: "Simulation", between: tuple[int, int], dies: int
) -> None:
    """Write what rose in each die while a token was made, and which one it is."""
    from signoff.gatesim import read_rises
    from signoff.timed import Activity

    number, text = between[1], 0
    while number > len(requests[text].expected):
        number -= len(requests[text].expected)
        text += 1
    begin, end = (done.tokens[n - 1].cycle for n in between)
    top = f"scf_{job.config.base}"
    each = [read_rises(job.scratch / "run", top, n) for n in range(dies)]
    token = f"token {number} of text {text + 1}, at position {len(requests[text].prompt) + number - 2}"
    told = {"token": token, "activities": [asdict(Activity(end - begin, 1, rises)) for rises in each]}
    (job.out / ACTIVITY).write_text(json.dumps(told, sort_keys=True))


def _difference(wrong: int, same_start: bool) -> str:
    if wrong or same_start:
        return f"{wrong} tokens differ from the golden model's"
    return "the tokens depend on what the registers hold before reset"


def _spoiled(contents: Path, to: Path, first: int) -> Path:
    """A copy of a bank's contents with its word lines from the first on inverted."""
    lines = contents.read_text().split()
    inverted = [f"{(1 << 4 * len(line)) - 1 - int(line, 16):0{len(line)}x}" for line in lines[first:]]
    to.write_text("".join(f"{line}\n" for line in (*lines[:first], *inverted)))
    return to
