"""From the quantised model to integers: formats of the activations, factors and tables."""

__all__ = ["golden_logits", "lower"]

from metal_configs.lower.integers import lower
from metal_configs.lower.logits import golden_logits
