"""LoRA adapters: from PEFT's files through the rotations to the integers that `ram` tiles hold."""

__all__ = ["Lora", "merged", "quantise_adapter", "read_peft", "rounding_error", "turned"]

from metal_configs.adapters.lora import Lora, merged, turned
from metal_configs.adapters.peft import read_peft
from metal_configs.adapters.rounding import quantise_adapter, rounding_error
