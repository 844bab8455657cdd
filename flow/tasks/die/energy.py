"""Energy of a token that the die, or the chain, said in its gate-level simulation."""

__all__ = ["EnergyTask"]

import json

from flow.tasks.die.gatesim import STATES
from flow.tasks.die.stitched import TILES, plan_of
from flow.tasks.die.tiles import NETLIST, routed
from flow.tasks.step import Job, Result, StepTask
from signoff.result import CheckResult

REPORT = "energy.json"


class EnergyTask(StepTask):
    """Cells, clocks, memories and wires of every tile in three corners; what has no wires yet is named."""

    step_name = "energy"
    needs = ("gatesim", "stitch", *TILES, "map_rom", "map_ram", "map_vec")
    config = ("base", "pdk")
    roles = ("cells", "tech_lef")
    is_check = True

    def work(self, job: Job) -> Result:
        from base_chip.pdk import load_pdk
        from flow.hardening.blocks import block_of
        from flow.stitching.energy import SimulatedTile, Told, token_energy
        from flow.stitching.wires import wires_of_margin
        from flow.tasks.energies import six_digits
        from signoff.power.token import CONTROL

        path = job.inputs["gatesim"] / STATES
        if not path.exists():
            why = "gatesim told nothing of a whole token: it did not run, or says no two tokens of a text"
            return Result([CheckResult.not_run(name, why) for name in (self.step_name, CONTROL)])
        found = json.loads(path.read_bytes())
        kinds = [name.removeprefix("tile_") for name in TILES]
        tiles = {}
        for kind in kinds:
            folder = job.inputs[f"tile_{kind}"]
            whole = routed(folder)
            netlist = (folder if whole else job.inputs[f"map_{kind}"]) / NETLIST
            block = block_of(kind)
            tiles[kind] = SimulatedTile(block.top, netlist, block.memories, folder if whole else None)
        plan, period = plan_of(job)
        margin = {}
        if all(tile.routed for tile in tiles.values()):
            margin = {pin: wire.pf * 1e-12 for pin, wire in wires_of_margin(plan).items()}
        states = [{name: int(value, 16) for name, value in die.items()} for die in found["states"]]
        told = Told(found["token"], found["cycles"], states)
        done = token_energy(
            job.inputs["stitch"] / f"{job.config.base}.v", tiles, margin, told, period,
            load_pdk(job.config.pdk), job.pdk,
        )  # fmt: skip
        text = json.dumps(six_digits(done.report), indent=1)
        (job.out / REPORT).write_text(text)
        (job.scratch / REPORT).write_text(text)  # evidence
        return Result(done.rows, six_digits(done.metrics), note=done.note)
