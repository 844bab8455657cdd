"""The routed netlist with its delays says a token at the clock it is signed off for."""

__all__ = ["TimedTask"]

import json
from dataclasses import asdict

from flow.tasks.step import Job, Result, StepTask
from rtl_gen.tools import require


class TimedTask(StepTask):
    """Icarus, typical corner; its controls are a fast clock, inputs at the edge, and a short precharge."""

    step_name = "timed"
    needs = ("quantise", "harden", "bank", "readback")
    config = ("model", "model_digest", "base", "pdk", "seed", "temperature")
    tools = ("iverilog",)
    roles = ("cells",)
    is_check = True
    routed = True

    def work(self, job: Job) -> Result:
        from base_chip.bank import BankSpec
        from base_chip.config import load_base
        from base_chip.harden.constraints import IO_SHARE
        from flow.tasks.integer_model import integer_model
        from flow.tasks.model import load_model
        from flow.tasks.sta import corners
        from rtl_gen.golden.decoder import GoldenDecoder
        from rtl_gen.golden.sampling import beta_of
        from signoff.gatesim import Request, Token
        from signoff.gatesim.timed import timed_design
        from signoff.gatesim.timed_run import Clock, timed_bank
        from signoff.netlist import read_netlist
        from signoff.timed import CORNER, run
        from signoff.timing.cells import load_cells
        from signoff.timing.sdf import read_sdf

        base, model = load_base(job.config.base), load_model(job.config)
        golden = GoldenDecoder(integer_model(job.inputs["quantise"]))
        prompt, beta, seed = model.prompt(""), beta_of(job.config.temperature), job.config.seed
        tokens = tuple(golden.generate(prompt, beta=beta, seed=seed))[:1]
        hardened = job.inputs["harden"]
        corner = next(c for c in corners(base.name, hardened, job.scratch) if c.name == CORNER)
        spec = BankSpec.of(base.rom, base.pdk)
        io = IO_SHARE * corner.period
        said: list[str] = []

        def show(token: Token) -> None:
            said.append(model.tokenizer.decode([token.value]))
            job.say(said[-1])

        routed = read_netlist(hardened / "netlist.v")
        kinds = {i.cell for i in routed.instances.values()} - {spec.name}
        cells = load_cells(kinds, job.pdk.path("cells"))
        bank = (job.inputs["bank"] / f"{spec.name}.v").read_text("utf-8")
        checks, metrics, activity = run(
            timed_design(routed, read_sdf(corner.sdf), cells, {spec.name: corner.charge}),
            timed_bank(spec.name, (spec.word_lines, spec.bit_lines), bank),
            Clock(corner.period, corner.period / 2, io, io, io),
            {f"rom.bank{n}": job.inputs["readback"] / f"bank{n}.hex" for n in range(base.rom.banks)},
            [Request(prompt, beta, seed, tokens)],
            require("iverilog"),
            job.scratch / "timed",
            on_token=show,
        )
        (job.out / "activity.json").write_text(json.dumps(asdict(activity), sort_keys=True))
        passed = all(c.status == "pass" for c in checks)
        return Result(checks, metrics, note=f"{said[0]!r} at {corner.period:g} ns" if passed else "")
