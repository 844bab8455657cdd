"""Energy of a token that the die, or the chain, said in its gate-level simulation."""

__all__ = ["EnergyTask"]

import json

from flow.tasks.die.die_nets import macros_of, read_nets
from flow.tasks.die.gatesim import STATES
from flow.tasks.step import Job, Result, StepTask
from signoff.result import CheckResult

REPORT = "energy.json"


class EnergyTask(StepTask):
    """Cells, clocks, memories and wires of every tile in three corners; what has no wires yet is named."""

    step_name = "energy"
    needs = ("gatesim", "die_nets")
    config = ("base", "pdk")
    roles = ("cells",)
    is_check = True

    def work(self, job: Job) -> Result:
        from base_chip.dies import load_die
        from base_chip.pdk import load_pdk
        from flow.stitching.energy import Told, simulated_die, token_energy
        from flow.stitching.periods import die_period
        from flow.tasks.energies import six_digits
        from signoff.power.token import CONTROL

        path = job.inputs["gatesim"] / STATES
        if not path.exists():
            why = "gatesim told nothing of a whole token: it did not run, or says no two tokens of a text"
            return Result([CheckResult.not_run(name, why) for name in (self.step_name, CONTROL)])
        found = json.loads(path.read_bytes())
        states = [{name: int(value, 16) for name, value in die.items()} for die in found["states"]]
        period, pdk = die_period(load_die(job.config.base)), load_pdk(job.config.pdk)
        nets, macros = read_nets(job.inputs["die_nets"]), macros_of(job.config.base)
        simulated = simulated_die(nets, macros, period, pdk, job.pdk)
        done = token_energy(simulated, Told(found["token"], found["cycles"], states))
        text = json.dumps(six_digits(done.report), indent=1)
        (job.out / REPORT).write_text(text)
        (job.scratch / REPORT).write_text(text)  # evidence
        return Result(done.rows, six_digits(done.metrics), note=done.note)
