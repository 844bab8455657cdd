"""The integer model, from what `quantise` leaves."""

__all__ = ["integer_model"]

import json
from pathlib import Path

from metal_configs.lower import lower
from rtl_gen.golden.params import IntModel
from rtl_gen.golden.quantised import QuantModel


def integer_model(folder: Path) -> IntModel:
    """The integer model, from the outputs of `quantise`."""
    calibration = json.loads((folder / "calibration.json").read_bytes())
    return lower(QuantModel.load(folder / "quantised.safetensors"), calibration)
