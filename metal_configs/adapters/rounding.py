"""A and B in 8 bits: A's factors make its sums mantissas, B's codes are in units of the matrix's sums."""

__all__ = ["quantise_adapter", "rounding_error"]

import numpy as np

from metal_configs.adapters.lora import Lora
from metal_configs.quantise.rounding import round_to_nearest
from rtl_gen.errors import FlowError
from rtl_gen.golden.adapter import Adapter, Pair
from rtl_gen.golden.factors import Factors
from rtl_gen.golden.formats import ACTIVATION, ADAPTER, LARGEST_SHIFT, SUM
from rtl_gen.golden.matrix import Matrix
from rtl_gen.golden.quantised import QuantMatrix, QuantModel

TOP = 127
MANTISSA = 32.0  # typical rms of a vector of 8-bit mantissas: its largest is 64 to 127, three times the rms
LARGEST = 0.98 * (1 << (SUM - ACTIVATION))  # sum of |code| of a row of A
ROOM = 3.0  # inner mantissas up to so many times their rms do not saturate


def quantise_adapter(lora: Lora, model: QuantModel) -> Adapter:
    """The integers of an adapter beside a quantised model.

    Args:
        lora: Of the folded and rotated weights, as `turned` gives.
        model: Its codes, in whose units B's are.

    Raises:
        FlowError: It adds more to a matrix than 8 bits can say.
    """
    pairs = {name: _pair(name, a, b, model.matrices[name]) for name, (a, b) in lora.pairs.items()}
    return Adapter(lora.name, model.digest(), pairs)


def rounding_error(adapter: Adapter, lora: Lora, model: QuantModel) -> float:
    """Relative error (Frobenius) of all that is added to the weights; inner mantissas count as exact."""
    off = total = 0.0
    for name, (a, b) in lora.pairs.items():
        p = adapter.pairs[name]
        found = (p.b * model.matrices[name].scale[:, None]) @ (p.a.factors.real()[:, None] * p.a.codes)
        off += float(np.square(found - b @ a).sum())
        total += float(np.square(b @ a).sum())
    return float(np.sqrt(off / total)) if total else 0.0


def _pair(name: str, a: np.ndarray, b: np.ndarray, matrix: QuantMatrix) -> Pair:
    """A unit u for each inner element: A x is rounded to multiples of it, B's codes are multiples of 1 / u.

    u makes both about equally fine; what each rounding adds to a sum is then the same.
    """
    inner = MANTISSA * np.linalg.norm(a, axis=1)  # rms of A's sums over mantissas, in units of the model
    outer = b / matrix.scale[:, None]
    size, top = np.sqrt((outer**2).mean(0)), np.abs(outer).max(0, initial=0)
    used = (inner > 0) & (top > 0)
    least, most = inner * ROOM / TOP, TOP / np.where(used, top, 1)
    if (least > most)[used].any():
        raise FlowError(
            f"it adds more than 8 bits can say to {name}: sums of {(inner * top)[used].max():.0f}",
            where="adapter", hint="Lower its alpha, or train it with weight decay.",
        )  # fmt: skip
    unit = np.where(used, np.clip(np.sqrt(inner / np.where(used, size, 1)), least, most), 1.0)
    rounded = round_to_nearest(a, ADAPTER)
    # Of many inputs the codes are smaller, so that no sum overflows.
    scale = np.maximum(rounded.scale, np.abs(a).sum(1) / LARGEST)
    inputs = np.clip(np.rint(a / scale[:, None]), -TOP - 1, TOP).astype(np.int8)
    outputs = np.rint(outer * np.where(used, unit, 0)).astype(np.int8)
    return Pair(Matrix(ADAPTER, inputs, Factors.of(scale / unit, LARGEST_SHIFT)), outputs)
