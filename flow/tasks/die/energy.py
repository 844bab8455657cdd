"""Energy of a token that the die, or the chain, said in its gate-level simulation."""

__all__ = ["EnergyTask"]

import json

from flow.tasks.die.gatesim import ACTIVITY
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
    roles = ("tech_lef",)
    is_check = True

    def work(self, job: Job) -> Result:
        from base_chip.pdk import load_pdk
        from flow.hardening.blocks import load_block
        from flow.stitching.energy import SimulatedTile, token_energy
        from flow.stitching.wires import wires_of_margin
        from flow.tasks.energies import six_digits
        from signoff.power.token import CONTROL
        from signoff.timed import Activity

        told = job.inputs["gatesim"] / ACTIVITY
        if not told.exists():
            why = "no whole token was counted in gatesim, which did not run or says no two tokens of a text"
            return Result([CheckResult.not_run(name, why) for name in (self.step_name, CONTROL)])
        found = json.loads(told.read_bytes())
        kinds = [name.removeprefix("tile_") for name in TILES]
        tiles = {}
        for kind in kinds:
            folder = job.inputs[f"tile_{kind}"]
            whole = routed(folder)
            netlist = (folder if whole else job.inputs[f"map_{kind}"]) / NETLIST
            block = load_block(kind)[0]
            tiles[kind] = SimulatedTile(block.top, netlist, block.memories, folder if whole else None)
        plan, period = plan_of(job)
        margin = {}
        if all(tile.routed for tile in tiles.values()):
            margin = {pin: wire.pf * 1e-12 for pin, wire in wires_of_margin(plan).items()}
        counted = [Activity(**of) for of in found["activities"]]
        done = token_energy(
            job.inputs["stitch"] / f"{job.config.base}.v", tiles, margin, counted, found["token"], period,
            load_pdk(job.config.pdk), job.pdk,
        )  # fmt: skip
        text = json.dumps(six_digits(done.report), indent=1)
        (job.out / REPORT).write_text(text)
        (job.scratch / REPORT).write_text(text)  # evidence
        return Result(done.rows, six_digits(done.metrics), note=done.note)
