"""The ROM image, from what `image` leaves."""

__all__ = ["read_image"]

from pathlib import Path

import numpy as np


def read_image(folder: Path) -> np.ndarray:
    """The ROM image, bool [rows, bits], from the outputs of `image`."""
    result: np.ndarray = np.load(folder / "image.npy")
    return result
