"""The model, quantised: `quantised.safetensors` and its loss against the float model."""

__all__ = ["QuantiseTask"]

import json
from pathlib import Path

from flow.tasks.step import Job, Result, StepTask
from signoff.result import CheckResult

MEASURED = 400  # texts; the golden model takes one token at a time


class QuantiseTask(StepTask):
    """Rounds every matrix, and measures what that and the integer golden model cost on held-out text.

    With an adapter if one is asked for. The check `quality` limits it; reversed codes must be beyond it.
    Codes that were rounded before are taken as they are, and not measured again.
    """

    step_name = "quantise"
    config = ("model", "model_digest", "loss_limit", "adapter_digest", "quantised_digest")

    def work(self, job: Job) -> Result:
        from flow.quality import QUALITY, Request, check_loss, measure, run
        from flow.tasks.integer_model import ADAPTER, save_integer_model
        from flow.tasks.model import load_model

        model = load_model(job.config)
        path, codes = job.config.adapter_path, job.config.quantised_path
        asked = Request(adapter=Path(path) if path else None, codes=Path(codes) if codes else None)
        done = run(model, asked, job.say)
        done.model.save(job.out / "quantised.safetensors")
        save_integer_model(done.integers, job.out)
        if done.adapter is not None:
            done.adapter.save(job.out / ADAPTER)
        if codes:
            why = "codes that were there are not measured again; sc-flow quantise --report does"
            return Result([CheckResult.not_run(QUALITY, why)])
        found = measure(model, done, MEASURED, job.say, adapted=False)
        (job.out / "loss.txt").write_text(found.text() + "\n", "utf-8")
        (job.out / "loss.json").write_text(json.dumps(found.to_dict(), indent=1, sort_keys=True) + "\n")
        exact, *_, last = found.first_text()
        ratio = last.score.nll / exact.score.nll
        return Result(
            check_loss(model, done, found, job.config.loss_limit),
            metrics={
                "float_nll_nats_per_token": exact.score.nll,
                "golden_nll_nats_per_token": last.score.nll,
                "quant_nll_ratio": ratio,
                "quant_top1_agreement": last.agreement,
                "weight_bits_average": found.average_bits,
                "weight_rom_bits_average": found.average_rom_bits,
                "weights": sum(found.weights.values()),
            },
            note=f"{found.average_bits:.2f} bits per weight, loss {ratio:.3f} of float",
        )
