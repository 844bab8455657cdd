"""The routed die with its delays says a token at the clock that it is signed off for."""

__all__ = ["TimedTask"]

from itertools import islice

from flow.tasks.die.gatesim import die_chip
from flow.tasks.die.programmed import positions_of
from flow.tasks.die.simulators import LACKING
from flow.tasks.step import Job, Result, StepTask
from rtl_gen.tools import require
from signoff.result import CheckResult


class TimedTask(StepTask):
    """Icarus, typical corner; controls are a fast clock, inputs at the edge, short pulses of the clock."""

    step_name = "timed"
    needs = ("quantise", "compile", "readback", "timed_simulator")
    config = ("model", "model_digest", "base", "seed", "temperature", "context")
    tools = ("iverilog",)
    is_check = True

    def work(self, job: Job) -> Result:
        from base_chip.dies import load_die
        from base_chip.harden.constraints import IO_SHARE, SEAM_SHARE
        from flow.stitching.periods import PERIODS, die_period
        from flow.tasks.integer_model import golden_model
        from flow.tasks.model import load_model
        from rtl_gen.golden.sampling import beta_of
        from signoff.gatesim import Request
        from signoff.gatesim.timed_run import Clock, TimedChip
        from signoff.timed import CORNER, run

        contents, protocol = die_chip(job)
        lacking = job.inputs["timed_simulator"] / LACKING
        why = lacking.read_text("utf-8") if lacking.exists() else ""
        if not why and len(contents) > 1:
            why = "a die of a chain says no token by itself"
        if why:
            return Result([CheckResult.not_run(name, why) for name in (self.step_name, "timed_control")])
        period = die_period(load_die(job.config.base)) * PERIODS[CORNER]
        model = load_model(job.config)
        prompt, beta, seed = model.prompt(""), beta_of(job.config.temperature), job.config.seed
        golden = golden_model(job.inputs["quantise"], positions_of(job))
        tokens = tuple(islice(golden.generate(prompt, beta=beta, seed=seed), 1))
        io = IO_SHARE * period
        checks, metrics, came = run(
            TimedChip.read(job.inputs["timed_simulator"]),
            # The reset crosses a seam, so it comes behind the falling edge.
            Clock(period, period / 2, io, io, period / 2 + SEAM_SHARE * period / 2),
            {name.replace(".", "__", 1): path for name, path in contents[0].items()},
            [Request(prompt, beta, seed, tokens)],
            require("iverilog"),
            job.scratch / "timed",
            protocol,
        )
        passed = all(c.status == "pass" for c in checks)
        said = model.tokenizer.decode([token.value for token in came])
        return Result(checks, metrics, note=f"{said!r} at {period:g} ns" if passed else "")
