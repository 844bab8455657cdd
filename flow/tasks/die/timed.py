"""The routed die with its delays says a token at the clock that it is signed off for."""

__all__ = ["TimedTask"]

import json
from dataclasses import asdict

from flow.tasks.die.gatesim import die_chip
from flow.tasks.die.programmed import positions_of
from flow.tasks.die.stitched import TILES, StitchedCheck, stitched_die
from flow.tasks.step import Job, Result
from rtl_gen.tools import require
from signoff.result import CheckResult

_LARGEST = 5.0  # mm2 of a die whose token is simulated: nano's, of 4,200 cycles, takes minutes


class TimedTask(StitchedCheck):
    """Icarus, typical corner; controls are a fast clock, inputs at the edge, short pulses of the clock."""

    step_name = "timed"
    needs = ("quantise", "compile", "stitch", *TILES, "readback")
    config = ("model", "model_digest", "base", "pdk", "seed", "temperature", "context")
    tools = ("iverilog",)
    roles = ("cells",)

    def check(self, job: Job) -> Result:
        from base_chip.dies import load_die
        from base_chip.harden.constraints import IO_SHARE, SEAM_SHARE
        from flow.stitching.periods import PERIODS
        from flow.stitching.timed import timed_die
        from flow.tasks.die.tiles import MODELS
        from flow.tasks.integer_model import golden_model
        from flow.tasks.model import load_model
        from rtl_gen.golden.sampling import beta_of
        from signoff.gatesim import Request, Token
        from signoff.gatesim.timed_run import Clock
        from signoff.timed import CORNER, run

        width, height = load_die(job.config.base).die
        contents, protocol = die_chip(job)
        why = ""
        if (area := width * height / 1e6) > _LARGEST:
            why = f"{area:.1f} mm2, more than {_LARGEST:g}: a token would take hours; STA sees every path"
        elif len(contents) > 1:
            why = "a die of a chain says no token by itself"
        if why:
            return Result([CheckResult.not_run(name, why) for name in (self.step_name, "timed_control")])
        made, tiles, period = stitched_die(job)
        period *= PERIODS[CORNER]
        model = load_model(job.config)
        prompt, beta, seed = model.prompt(""), beta_of(job.config.temperature), job.config.seed
        golden = golden_model(job.inputs["quantise"], positions_of(job))
        tokens = tuple(golden.generate(prompt, beta=beta, seed=seed))[:1]
        models = {path.name: path for tile in TILES for path in (job.inputs[tile] / MODELS).iterdir()}
        io = IO_SHARE * period
        said: list[str] = []

        def show(token: Token) -> None:
            said.append(model.tokenizer.decode([token.value]))
            job.say(said[-1])

        checks, metrics, activity = run(
            timed_die(made, tiles, job.pdk.path("cells"), job.scratch / "die"),
            "\n".join(path.read_text("utf-8") for _, path in sorted(models.items())),
            # The reset crosses a seam, so it comes behind the falling edge.
            Clock(period, period / 2, io, io, period / 2 + SEAM_SHARE * period / 2),
            {name.replace(".", "__", 1): path for name, path in contents[0].items()},
            [Request(prompt, beta, seed, tokens)],
            require("iverilog"),
            job.scratch / "timed",
            protocol,
            show,
        )
        (job.out / "activity.json").write_text(json.dumps(asdict(activity), sort_keys=True))
        passed = all(c.status == "pass" for c in checks)
        return Result(checks, metrics, note=f"{said[0]!r} at {period:g} ns" if passed else "")
