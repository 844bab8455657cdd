"""Adapters as PEFT writes them."""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from metal_configs.checkpoint.huggingface import hf_name
from rtl_gen.golden.shape import Shape

KINDS = ("q", "k", "v", "o", "gate", "up", "down")


def tensors(
    shape: Shape, rank: int, kinds: tuple[str, ...] = KINDS, seed: int = 0, size: float = 0.1
) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    out = {}
    for name, (outputs, inputs) in shape.matrices().items():
        if "." in name and name.rpartition(".")[2] in kinds:
            key = "base_model.model." + hf_name(name).removesuffix("weight")
            out[f"{key}lora_A.weight"] = (rng.standard_normal((rank, inputs)) * size).astype(np.float32)
            out[f"{key}lora_B.weight"] = (rng.standard_normal((outputs, rank)) * size).astype(np.float32)
    return out


def peft(folder: Path, found: dict[str, np.ndarray], rank: int, **config: object) -> Path:
    folder.mkdir(exist_ok=True)
    told = {
        "peft_type": "LORA", "task_type": "CAUSAL_LM", "r": rank, "lora_alpha": 2 * rank, "lora_dropout": 0.0,
        "bias": "none", "use_rslora": False, "use_dora": False, "fan_in_fan_out": False,
        "target_modules": ["q_proj", "down_proj"], "modules_to_save": None, "rank_pattern": {},
        "alpha_pattern": {}, "base_model_name_or_path": "toy",
    }  # fmt: skip
    (folder / "adapter_config.json").write_text(json.dumps(told | config))
    save_file(found, folder / "adapter_model.safetensors")
    return folder
