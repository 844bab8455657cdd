"""The model, quantised: `quantised.safetensors` and its loss against the float model."""

__all__ = ["QuantiseTask"]

from flow.tasks.step import Job, Result, StepTask


class QuantiseTask(StepTask):
    """See the module."""

    step_name = "quantise"
    config = ("model_digest",)
    code = (
        "metal_configs",
        "rtl_gen.golden",
    )
    libraries = (
        "numpy",
        "safetensors",
        "tokenizers",
    )

    def work(self, job: Job) -> Result:
        raise NotImplementedError("the domain call comes with integration")
