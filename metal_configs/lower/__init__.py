"""From the quantised model to integers: formats of the activations, factors and tables."""

__all__ = ["golden_logits", "lower", "lower_vector"]

from metal_configs.lower.evaluate import golden_logits
from metal_configs.lower.model import lower
from metal_configs.lower.vector import lower_vector
