"""The model, quantised: `quantised.safetensors` and its loss against the float model."""

__all__ = ["QuantiseTask"]

import json

from flow.tasks.step import Job, Result, StepTask

MEASURED = 400  # texts; the golden model takes one token at a time


class QuantiseTask(StepTask):
    """Rounds every matrix, and measures what that and the integer golden model cost on held-out text."""

    step_name = "quantise"
    config = ("model", "model_digest")
    code = (
        "metal_configs.checkpoint",
        "metal_configs.quantise",
        "metal_configs.lower",
        "metal_configs.reference",
        "rtl_gen.golden",
        "flow.tasks.parts",
    )
    libraries = ("numpy", "safetensors", "tokenizers")

    def work(self, job: Job) -> Result:
        from flow.tasks.parts import load_model, token_sequences
        from metal_configs.lower import golden_logits, lower
        from metal_configs.quantise import Policy, quantise
        from metal_configs.quantise.report import report

        model = load_model(job.config)
        calibration = token_sequences(model, "calibration")
        # `words` was trained through rounding to nearest, which serves it better than GPTQ (docs/models.md).
        quantised = quantise(model.checkpoint, Policy("rtn"), calibration)
        quantised.save(job.out / "quantised.safetensors")
        (job.out / "calibration.json").write_text(json.dumps(calibration))
        golden = golden_logits(lower(quantised, calibration))
        texts = token_sequences(model, "heldout")
        texts = texts[:: -(-len(texts) // MEASURED)]
        found = report(model.checkpoint, quantised, texts, {"integer golden model": golden})
        (job.out / "loss.txt").write_text(found.text() + "\n", "utf-8")
        exact, last = found.rows[0], found.rows[-1]
        ratio = last.score.nll / exact.score.nll
        return Result(
            metrics={
                "float_nll_nats_per_token": exact.score.nll,
                "golden_nll_nats_per_token": last.score.nll,
                "quant_nll_ratio": ratio,
                "quant_top1_agreement": last.agreement,
                "weight_bits_average": found.average_bits,
                "weights": sum(m.codes.size for m in quantised.matrices.values()),
            },
            note=f"{found.average_bits:.2f} bits a weight, loss {ratio:.3f} of float",
        )
