"""The netlist with the ROM that was read back generates text, token for token as the golden model."""

__all__ = ["GatesimTask"]

import shutil
from itertools import zip_longest
from pathlib import Path

from flow.tasks.step import Job, Result, StepTask
from rtl_gen.tools import require
from signoff.result import CheckResult


class GatesimTask(StepTask):
    """Generates one text a seed, from `--seed` on, and shows each as it grows; the control spoils the ROM."""

    step_name = "gatesim"
    needs = ("quantise", "simulator", "readback")
    config = ("model", "model_digest", "base", "prompt", "seed", "temperature", "words")
    tools = ("verilator",)
    is_check = True

    def work(self, job: Job) -> Result:
        from base_chip.config import load_base
        from flow.tasks.integer_model import integer_model
        from flow.tasks.model import load_model
        from rtl_gen.golden.decoder import GoldenDecoder, beta_of
        from signoff.gatesim import Request, Token, simulate

        base = load_base(job.config.base)
        model = load_model(job.config)
        golden = GoldenDecoder(integer_model(job.inputs["quantise"]))
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
        shutil.copyfile(job.inputs["simulator"] / "simulator", program)
        program.chmod(0o755)
        contents = {n: job.inputs["readback"] / f"bank{n}.hex" for n in range(base.rom.banks)}
        top = f"scf_{base.name}"
        done = simulate(program, top, contents, requests, job.scratch / "run", show)
        # Once more from other random register contents: what is never initialised must not matter.
        again = simulate(program, top, contents, requests, job.scratch / "again", start=2)
        same_start = again.tokens == done.tokens
        equal = done.equals(requests) and same_start
        contents[0] = _spoiled(contents[0], job.scratch / "spoiled.hex")
        spoiled = simulate(program, top, contents, requests, job.scratch / "control")
        texts = [decode(said + t) for t in done.split(requests)]
        # The last token is not fed back; every other one, and every token of the prompt, costs a pass.
        passes = sum(len(prompt) + len(r.expected) - 1 for r in requests)
        expected = [t for r in requests for t in r.expected]
        wrong = sum(a != b for a, b in zip_longest(expected, (t.value for t in done.tokens)))
        row = CheckResult(
            "gatesim",
            "verilator",
            require("verilator"),
            wrong,
            0,
            "pass" if equal else "fail",
            "" if equal else done.fault or _difference(wrong, same_start),
            f"{len(done.tokens)} tokens equal the golden model's",
        )
        missed = spoiled.equals(requests)
        control = CheckResult(
            "gatesim_control",
            "verilator",
            require("verilator"),
            int(missed),
            0,
            "fail" if missed else "pass",
            "a ROM with inverted word lines was not noticed" if missed else "",
            "a ROM with inverted word lines says something else",
        )
        (job.out / "text.txt").write_text("".join(f"{t}\n" for t in texts), "utf-8")
        metrics = {
            "cycles_per_token": done.cycles / passes,
            "gate_sim_cycles_per_s": done.cycles / done.seconds if done.seconds else 0.0,
            "gate_sim_s_per_token": done.seconds / passes,
            "gate_sim_tokens": len(done.tokens),
        }
        return Result([row, control], metrics, texts, equal, note=", ".join(texts))


def _difference(wrong: int, same_start: bool) -> str:
    if wrong or same_start:
        return f"{wrong} tokens differ from the golden model's"
    return "the tokens depend on what the registers hold before reset"


def _spoiled(contents: Path, to: Path) -> Path:
    """A copy of a bank's contents with its upper half of word lines, which holds weights, inverted."""
    lines = contents.read_text().split()
    half = len(lines) // 2
    inverted = [f"{(1 << 4 * len(line)) - 1 - int(line, 16):0{len(line)}x}" for line in lines[half:]]
    to.write_text("".join(f"{line}\n" for line in (*lines[:half], *inverted)))
    return to
