"""What the model takes on dies of the base: `plan.json`."""

__all__ = ["PlanTask"]

from pathlib import Path

from flow.tasks.step import Job, Result, StepTask


class PlanTask(StepTask):
    """Numbers and the mapping of tensors to dies; quick, so always made anew."""

    step_name = "plan"
    cached = False

    def work(self, job: Job) -> Result:
        from base_chip.dies import STATUS, load_die
        from flow.planning import make_plan
        from metal_configs.compile.source import QuantisedSource
        from rtl_gen.golden.shape import Shape

        asked = job.config.chain
        assert asked
        forms = QuantisedSource(Path(job.config.model_path)).forms if asked.quantised else None
        base = load_die(job.config.base)
        plan = make_plan(job.config.model, Shape(**asked.shape), base, asked.context, forms)
        (job.out / "plan.json").write_text(plan.to_json() + "\n")
        (job.out / "weights.txt").write_text(f"weights: {asked.weights}\n")
        names = ("weights", "dies", "cycles per token")
        metrics = {f"plan_{n.replace(' ', '_').lower()}": plan.line(n) for n in names}
        return Result(
            metrics=metrics | {"plan_area_mm2": plan.line("all dies")},
            note=f"{len(plan.dies)} dies of {job.config.base} ({STATUS}); weights: {asked.weights}",
        )
