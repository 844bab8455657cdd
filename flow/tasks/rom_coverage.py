"""How many wrong bits of the ROM the tokens of a gate-level simulation show, by flips planted in copies."""

__all__ = ["RomCoverageTask"]

from flow.tasks.step import Job, Result, StepTask

TEXTS = 200  # of those held out


class RomCoverageTask(StepTask):
    """Every token of the chip equals the golden model's, and shows most wrong bits; one token shows few."""

    step_name = "rom_coverage"
    needs = ("quantise", "harden", "readback")
    config = ("model", "model_digest", "base")
    tools = ("verilator",)
    roles = ("cells",)
    is_check = True

    def work(self, job: Job) -> Result:
        from base_chip.bank import BankSpec
        from base_chip.config import load_base
        from flow.tasks.integer_model import integer_model
        from flow.tasks.model import load_model, token_sequences
        from signoff.faultsim import Chip, run

        base = load_base(job.config.base)
        texts = token_sequences(load_model(job.config), "heldout")
        chip = Chip(
            job.inputs["harden"] / "netlist.v",
            f"scf_{base.name}",
            job.pdk.path("cells"),
            BankSpec.of(base.rom, base.pdk).name,
            [job.inputs["readback"] / f"bank{n}.hex" for n in range(base.rom.banks)],
            base.core(),
        )
        model = integer_model(job.inputs["quantise"])
        checks, metrics = run(chip, model, texts[:: -(-len(texts) // TEXTS)], job.scratch, job.say)
        return Result(checks, metrics, note=f"{metrics['rom_flips_found_percent']:.1f} % of wrong bits found")
