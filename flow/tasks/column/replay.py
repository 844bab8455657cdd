"""One token through the RTL of every tile of every die, contents read back from their files.

A die hears nothing but bytes of the one before, and nothing comes back. So each runs by itself: to the bytes
that the golden model of the die before says it must say those of its own, each in the same cycle.
"""

__all__ = ["ColumnReplayTask"]

import os
import shutil
from itertools import pairwise

from flow.tasks.column.readback import BITS
from flow.tasks.die.programmed import dies_of, positions_of, read_chip
from flow.tasks.die.simulators import LACKING
from flow.tasks.step import Job, Result, StepTask
from signoff.result import CheckResult

SPOILED = "rom_0_0.bank0.macro"


class ColumnReplayTask(StepTask):
    """The control turns over the bits of a ROM of a die with layers."""

    step_name = "replay"
    needs = ("quantise", "compile", "rtl_simulator", "readback")
    config = ("model", "model_digest", "base", "prompt", "seed", "temperature", "context")
    tools = ("verilator",)
    is_check = True

    def work(self, job: Job) -> Result:
        from base_chip.dies import load_die
        from flow.chain.relay import RelayJob, relay_one
        from flow.cluster import connected, run_all
        from flow.stitching.column import die_column
        from flow.tasks.die.ranges import Ranges
        from flow.tasks.integer_model import integer_model
        from flow.tasks.model import load_model
        from metal_configs.compile.program.fit import lay_part
        from rtl_gen.golden.chain import ChainModel
        from rtl_gen.golden.network import Network
        from rtl_gen.golden.sampling import beta_of
        from rtl_gen.golden.token_bytes import from_bytes
        from rtl_gen.tools import require
        from signoff.gatesim import Protocol

        if (lacking := job.inputs["rtl_simulator"] / LACKING).exists():
            return Result([CheckResult.not_run("replay", lacking.read_text("utf-8"), "verilator")])
        chip, opened = read_chip(job.inputs["compile"]), load_model(job.config)
        model = integer_model(job.inputs["quantise"]).shortened(positions_of(job))
        prompt, beta = opened.prompt(job.config.prompt), beta_of(job.config.temperature)
        Protocol("payload", greedy=chip["greedy"]).check(beta)
        job.say("the golden model")
        column = die_column(load_die(job.config.base))
        parts = [Ranges(**told).part(model) for told in chip["parts"]]
        images = [lay_part(part, column) for part in parts]
        chain = ChainModel(images).dies
        heard = [images[0].request(list(prompt), beta, job.config.seed)]
        for die in chain:
            heard.append(die.send(heard[-1]))
        token = from_bytes(heard[-1][: images[0].token_bytes])
        golden = next(iter(Network(model).generate(prompt, beta=beta, seed=job.config.seed)))
        program = job.scratch / "simulator"
        shutil.copy2(job.inputs["rtl_simulator"] / "simulator", program)
        program.chmod(0o755)
        layers = next(n for n, part in enumerate(parts) if part.layers)
        jobs = [
            RelayJob(
                n, str(program), f"scf_{job.config.base}", str(job.inputs["readback"] / folder / BITS),
                tuple(chip["roms"]), sent, said, tuple(die.said_at), str(job.scratch),
                SPOILED if n == layers else "",
            )
            for n, (folder, die, (sent, said)) in enumerate(
                zip(dies_of(job), chain, pairwise(heard), strict=True)
            )
        ]  # fmt: skip
        done = []
        with connected("", min(os.cpu_count() or 1, len(jobs)), job.scratch) as client:
            for r in run_all(client, relay_one, jobs, lambda j: f"die {j.die}"):
                done.append(r)
                told = f"die {r['die']} ({len(done)} of {len(jobs)}): {r['cycles']:,} cycles"
                job.say(f"{told}, {r['seconds']:.0f} s")
        faults = [f"die {r['die']}: {r['fault']}" for r in sorted(done, key=lambda r: r["die"]) if r["fault"]]
        if token != golden:
            faults.append(f"the golden chain says token {token}, the golden network {golden}")
        said = opened.tokenizer.decode([token])
        cycles, count = sum(r["cycles"] for r in done), sum(len(j.said) for j in jobs)
        equal = f"{count:,} bytes of {len(jobs)} dies, each in the golden model's cycle; {cycles:,} cycles"
        missed = int(not any(r["noticed"] for r in done))
        version = require("verilator")
        rows = [
            CheckResult(
                "replay", "verilator", version, len(faults), 0, "fail" if faults else "pass",
                faults[0] if faults else "", "; ".join(faults[:5]) or equal,
            ),
            CheckResult(
                "replay_control", "verilator", version, missed, 0, "fail" if missed else "pass",
                "a ROM with its bits turned over was not noticed" if missed else "",
                f"a die whose {SPOILED} has its bits turned over says something else",
            ),
        ]  # fmt: skip
        seconds = sum(r["seconds"] for r in done)
        metrics = {"cycles_per_token": cycles / len(prompt), "rtl_sim_cycles_per_s": cycles / seconds}
        return Result(
            rows, metrics, [said], not faults, note=f"{said!r}, {cycles:,} cycles of {len(jobs)} dies"
        )
