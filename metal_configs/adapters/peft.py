"""PEFT's folder of an adapter: adapter_config.json and adapter_model.safetensors, checked against a model."""

__all__ = ["read_peft"]

import math
from pathlib import Path

import msgspec
import numpy as np

from metal_configs.adapters.lora import Lora
from metal_configs.checkpoint.huggingface import KINDS, hf_name, interleave
from metal_configs.checkpoint.safetensors_file import SafetensorsFile, json_file
from rtl_gen.errors import FlowError
from rtl_gen.golden.adapter import LARGEST_RANK
from rtl_gen.golden.shape import Shape

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
PREFIX = "base_model.model."
MODULES = {module.rpartition(".")[2]: kind for kind, module in KINDS.items() if "norm" not in kind}


class _Config(msgspec.Struct):
    """The fields of PEFT's LoraConfig that change what an adapter adds; its others do not."""

    r: int
    lora_alpha: float
    peft_type: str = ""
    bias: str = "none"
    use_rslora: bool = False
    use_dora: bool = False
    fan_in_fan_out: bool = False
    lora_bias: bool = False
    target_modules: list[str] | str | None = None
    modules_to_save: list[str] | None = None
    rank_pattern: dict[str, int] | None = None
    alpha_pattern: dict[str, float] | None = None


def read_peft(folder: Path, shape: Shape, model: str) -> Lora:
    """The adapter in a folder that PEFT wrote.

    Args:
        folder: Of `adapter_config.json` and `adapter_model.safetensors`.
        shape: Of the model that it is for.
        model: Its name, for messages.

    Raises:
        FlowError: A file is missing or damaged, the adapter is of a kind that is not supported, or it is for
            another model; the message names what was found and what was expected.
    """
    config = _config(folder)
    path = folder / WEIGHTS
    file = SafetensorsFile(path)
    scaling = config.lora_alpha / (math.sqrt(config.r) if config.use_rslora else config.r)
    left = dict(file.entries)
    pairs = {}
    for name, (outputs, inputs) in shape.matrices().items():
        kind = name.rpartition(".")[2]
        if kind not in KINDS:
            continue
        key = PREFIX + hf_name(name).removesuffix("weight")
        a, b = (f"{key}lora_{x}.weight" for x in "AB")
        if a not in left and b not in left:
            continue
        found = []
        for tensor, want in ((a, (config.r, inputs)), (b, (outputs, config.r))):
            if (entry := left.pop(tensor, None)) is None:
                raise FlowError(f"no tensor {tensor}, its counterpart is there", where=str(path))
            if entry.shape != want:
                raise FlowError(
                    f"tensor {tensor} has shape {entry.shape}, expected {want}: rank {config.r} on {model}",
                    where=str(path), hint="The adapter is for another model, or its config for another one.",
                )  # fmt: skip
            value = file.read(tensor).astype(np.float64)
            if not np.isfinite(value).all():
                raise FlowError(f"tensor {tensor} holds NaN or infinite values", where=str(path))
            found.append(value)
        down, up = found
        if kind in ("q", "k"):
            up = interleave(up, shape.head_dim)
        pairs[name] = down, up * scaling
    if left:
        raise FlowError(
            f"tensor {min(left)} adapts nothing that {model} has: {shape.layers} layers of"
            f" {', '.join(MODULES)}", where=str(path),
            hint="The adapter is for another model, or adapts more than these matrices.",
        )  # fmt: skip
    if not pairs:
        raise FlowError("holds no tensor of an adapter", where=str(path))
    return Lora(folder.resolve().name, config.r, pairs)


def _config(folder: Path) -> _Config:
    path = folder / CONFIG
    if not path.is_file():
        raise FlowError(
            "no such file", where=str(path),
            hint=f"Give the folder that PEFT's save_pretrained wrote: {CONFIG} and {WEIGHTS}.",
        )  # fmt: skip
    try:
        config = msgspec.convert(json_file(path), _Config)
    except msgspec.ValidationError as e:
        raise FlowError(str(e), where=str(path), hint="It is not as PEFT writes it; save it again.") from e

    def refuse(what: str, hint: str) -> FlowError:
        return FlowError(what, where=str(path), hint=hint)

    if config.peft_type != "LORA":
        raise refuse(
            f"peft_type is {config.peft_type!r:.40}, expected 'LORA'", "Other adapters are not read."
        )
    if not 1 <= config.r <= LARGEST_RANK:
        raise refuse(f"rank {config.r}, expected 1 to {LARGEST_RANK}", "Train it with a smaller r.")
    if not math.isfinite(config.lora_alpha):
        raise refuse(f"lora_alpha is {config.lora_alpha}, expected a number", "Save it again.")
    if isinstance(config.target_modules, list):
        names = {m.rpartition(".")[2] for m in config.target_modules}
        if unknown := sorted(names - set(MODULES)):
            raise refuse(
                f"target module {unknown[0]!r:.60}, expected some of {', '.join(MODULES)}",
                "Only the matrices of a layer can be adapted; embedding, head and norms are hardwired.",
            )
    extras = {
        "bias": config.bias != "none" and config.bias, "use_dora": config.use_dora,
        "fan_in_fan_out": config.fan_in_fan_out, "lora_bias": config.lora_bias,
        "modules_to_save": config.modules_to_save, "rank_pattern": config.rank_pattern,
        "alpha_pattern": config.alpha_pattern,
    }  # fmt: skip
    for field, value in extras.items():
        if value:
            raise refuse(
                f"{field} is {value!r:.60}, expected none",
                "Only plain LoRA of one rank and scaling is read: train without it, or merge it.",
            )
    return config
