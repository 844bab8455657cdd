"""The integer model, which `quantise` leaves for every step after it."""

__all__ = ["integer_model", "save_integer_model"]

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from rtl_gen.errors import FlowError
from rtl_gen.golden.params import IntModel

NAME = "integers.safetensors"


def save_integer_model(model: IntModel, folder: Path) -> None:
    """Write it; the same model gives the same bytes. Arrays are numbered, all else is in the metadata."""
    arrays: list[np.ndarray] = []

    def number(array: Any) -> int:
        arrays.append(np.ascontiguousarray(array))
        return len(arrays) - 1

    rest = msgspec.json.encode(model, enc_hook=number).decode()
    save_file({str(n): a for n, a in enumerate(arrays)}, str(folder / NAME), metadata={"sc-flow": rest})


def integer_model(folder: Path) -> IntModel:
    """Read it from the outputs of `quantise`; FlowError when the file is damaged."""
    path = str(folder / NAME)
    try:
        with safe_open(path, framework="np") as file:
            return msgspec.json.decode(
                (file.metadata() or {})["sc-flow"],
                type=IntModel,
                dec_hook=lambda kind, number: file.get_tensor(str(number)),
            )
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as e:
        raise FlowError(
            f"not an integer model, or damaged ({e})", where=path, hint="Run the quantise step again."
        ) from e
