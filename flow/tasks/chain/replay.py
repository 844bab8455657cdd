"""One token through the RTL of every rom tile of all dies, with the contents read back from their files."""

__all__ = ["ReplayTask", "TileSimulatorTask"]

import shutil

from flow.tasks.step import Job, Result, StepTask
from signoff.result import CheckResult


class TileSimulatorTask(StepTask):
    """Compiles the rom tile and its macro's model: one program for every tile of every die."""

    step_name = "tile_simulator"
    tools = ("verilator",)

    def work(self, job: Job) -> Result:
        from base_chip.arrays.views import rom_verilog
        from base_chip.dies.floorplan import MACRO, TILE
        from rtl_gen.tiles.rom import rom_tile_verilog
        from signoff.replay import build_tile_simulator

        program = build_tile_simulator(rom_tile_verilog(TILE), rom_verilog(MACRO), job.scratch)
        shutil.copy2(program, job.out / "simulator")
        return Result()


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
                f"token {number}: {sums:,} sums of all rom tiles of {len(done)} dies",
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
