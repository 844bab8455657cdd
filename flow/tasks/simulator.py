"""The gate-level simulator of the base: one program for every model, since contents load when it starts."""

__all__ = ["SimulatorTask"]

import shutil

from flow.tasks.step import Job, Result, StepTask


class SimulatorTask(StepTask):
    """Compiles the routed netlist, cell models and bank model."""

    step_name = "simulator"
    needs = ("harden", "bank")
    config = ("base",)
    tools = ("verilator",)
    roles = ("cells", "cell_models")

    def work(self, job: Job) -> Result:
        from base_chip.bank import BankSpec
        from base_chip.config import load_base
        from signoff.gatesim import build_simulator

        base = load_base(job.config.base)
        program = build_simulator(
            (job.inputs["harden"] / "netlist.v").read_text(),
            f"scf_{base.name}",
            job.pdk.path("cells"),
            (job.inputs["bank"] / f"{BankSpec.of(base.rom, base.pdk).name}.v").read_text(),
            job.scratch,
        )
        shutil.copy2(program, job.out / "simulator")
        return Result()
