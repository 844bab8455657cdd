"""One token through every rom tile of all dies, as gates or RTL, with contents read back from their files."""

__all__ = ["ReplayTask", "TileSimulatorTask"]

import shutil

from flow.tasks.step import Job, Result, StepTask
from signoff.result import CheckResult

OF = "of.txt"  # beside a simulator: what it was made of


class TileSimulatorTask(StepTask):
    """Compiles the rom tile and its macro's model: one program for every tile of every die.

    The tile is the routed netlist where that ships, else RTL.
    """

    step_name = "tile_simulator"
    tools = ("verilator",)
    roles = ("cells",)

    def work(self, job: Job) -> Result:
        from base_chip.tiles import load_tile
        from base_chip.tiles.parts import macro_models
        from flow.hardening.blocks import load_block
        from flow.stitching.tiles import checked, shipped
        from signoff.gatesim.models import cell_models
        from signoff.replay import build_tile_simulator

        _, tile = load_block("rom")
        of, cells, kept = "the RTL", "", shipped("rom")
        if kept is not None and kept.routed:
            tile = checked(kept, "rom", job.pdk).content("netlist.v").decode()
            of, cells = "the routed netlist", cell_models(tile, job.pdk.path("cells"))
        models = "\n".join(macro_models(load_tile("rom")).values())
        shutil.copy2(build_tile_simulator(tile, models, job.scratch, cells), job.out / "simulator")
        (job.out / OF).write_text(of)
        return Result(note=f"{of} of the rom tile")


class ReplayTask(StepTask):
    """Each sum that leaves a tile is the golden model's; its control spoils one bit of one ROM."""

    step_name = "replay"
    needs = ("readback", "tile_simulator")
    tools = ("verilator",)
    cached = False
    is_check = True

    def work(self, job: Job) -> Result:
        from base_chip.dies import load_die
        from flow.chain.replay import LARGEST, ReplayJob, replay_one, write_token
        from flow.cluster import connected, run_all
        from flow.tasks.chain.dies import FOLDER, all_dies, die_jobs
        from rtl_gen.tools import require

        asked = job.config.chain
        assert asked
        dies = die_jobs(job.config, job.build / FOLDER)
        placed = dies[0].placement(load_die(job.config.base))
        weights = sum(m.outputs * m.inputs for m in placed.matrices)
        version = require("verilator")
        of = (job.inputs["tile_simulator"] / OF).read_text("utf-8")
        if weights > LARGEST:
            reason = f"{weights:,} weights; the golden model takes {LARGEST:,} into memory"
            return Result([CheckResult.not_run("replay", reason, "verilator", version)])
        token = job.out / "token.npz"
        number = write_token(dies[0].source(), placed, job.config.seed, token)
        # Beside the dies, where all workers see it.
        program = job.build / FOLDER / ".simulator"
        shutil.copy2(job.inputs["tile_simulator"] / "simulator", program)
        program.chmod(0o755)
        jobs = [
            ReplayJob(d, str(token), str(program), str(job.scratch), control=d.die == dies[-1].die)
            for d in dies
        ]
        done = []
        try:
            with connected(asked.scheduler, min(asked.workers, len(jobs)), job.scratch) as client:
                for r in run_all(client, replay_one, jobs, lambda j: f"replay of die {j.die.die}"):
                    done.append(r)
                    job.say(
                        f"die {r['die']} ({len(done)} of {len(jobs)}): {r['sums']:,} sums, {len(r['faults'])}"
                        f" faults, {r['cpu']:.1f} s of processor"
                    )
        finally:
            program.unlink(missing_ok=True)
        bad = [f"die {r['die']}: {f}" for r in sorted(done, key=lambda r: r["die"]) for f in r["faults"]]
        sums, cycles = sum(r["sums"] for r in done), sum(r["cycles"] for r in done)
        cpu = [r["cpu"] for r in done]
        missed = [m for r in done for m in r["missed"]]
        if not any(r["controlled"] for r in done):
            missed.append("no bit of the last die meets an activation")
        rows = [
            CheckResult(
                "replay", "verilator", version, len(bad), 0, "fail" if bad else "pass", "; ".join(bad[:5]),
                f"token {number}: {sums:,} sums of all rom tiles of {len(done)} dies, through {of}",
            ),
            CheckResult(
                "replay_control", "verilator", version, len(missed), 0, "fail" if missed else "pass",
                "; ".join(missed), "a wrong bit in one ROM was found, and its tile named",
            ),
        ]  # fmt: skip
        return Result(
            rows,
            {"replay_sums": sums, "replay_cycles": cycles, "replay_cpu_seconds": sum(cpu)},
            note=f"{sums:,} sums, {cycles:,} cycles of tiles{all_dies(asked, cpu)}",
        )
