"""The integer model, which `quantise` leaves for every step after it."""

__all__ = ["ADAPTER", "adapter", "golden_model", "integer_model", "save_integer_model"]

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from rtl_gen.errors import FlowError
from rtl_gen.golden.adapter import Adapter
from rtl_gen.golden.model import Model
from rtl_gen.golden.network import Network
from rtl_gen.golden.quantised import QuantModel

KIND = "sc-flow Model"  # the one entry of its metadata
NAME = "integers.safetensors"
ADAPTER = "adapter.safetensors"


def save_integer_model(model: Model, folder: Path) -> None:
    """Write it; the same model gives the same bytes. Arrays are numbered, all else is in the metadata."""
    arrays: list[np.ndarray] = []

    def number(array: Any) -> int:
        arrays.append(np.ascontiguousarray(array))
        return len(arrays) - 1

    rest = msgspec.json.encode(model, enc_hook=number).decode()
    # One entry: safetensors writes several in any order.
    told = {KIND: rest}
    save_file({str(n): a for n, a in enumerate(arrays)}, str(folder / NAME), metadata=told)


def golden_model(folder: Path, positions: int) -> Network:
    """The golden model of what `quantise` left; FlowError when the file is damaged.

    Args:
        folder: Outputs of `quantise`.
        positions: That the die keeps; those of the model if they are fewer.
    """
    return Network(integer_model(folder).shortened(positions), adapter=adapter(folder))


def adapter(folder: Path) -> Adapter | None:
    """The adapter that `quantise` left, if one was asked for; FlowError when the file is damaged."""
    path = folder / ADAPTER
    if not path.exists():
        return None
    return Adapter.load(path, QuantModel.load(folder / "quantised.safetensors"))


def integer_model(folder: Path) -> Model:
    """Integers from the outputs of `quantise`; FlowError when the file is damaged."""
    path = str(folder / NAME)
    try:
        with safe_open(path, framework="np") as file:
            told = (file.metadata() or {})[KIND]
            return msgspec.json.decode(
                told, type=Model, dec_hook=lambda kind, number: file.get_tensor(str(number))
            )
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as e:
        raise FlowError(
            f"not an integer model, or damaged ({e})", where=path, hint="Run the quantise step again."
        ) from e
