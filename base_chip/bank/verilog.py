"""The bank as a simulator sees it."""

__all__ = ["bank_verilog", "rom_hex"]

from importlib import resources

import numpy as np

from base_chip.bank.spec import BankSpec
from rtl_gen.errors import FlowError


def bank_verilog(spec: BankSpec) -> str:
    """Behavioural model of the bank; `bank.v` beside this file explains it."""
    text = resources.files(__package__).joinpath("bank.v").read_text("utf-8")
    for mark, value in (
        ("@NAME@", spec.name),
        ("@WORD_LINES@", str(spec.word_lines)),
        ("@BIT_LINES@", str(spec.bit_lines)),
    ):
        text = text.replace(mark, value)
    return text


def rom_hex(spec: BankSpec, bits: np.ndarray) -> str:
    """Contents for the model: one line a word line, bit line 0 in the lowest bit of the last digit.

    Args:
        spec: The bank.
        bits: bool [word_lines, bit_lines].

    Raises:
        FlowError: If `bits` has another shape.
    """
    shape = spec.word_lines, spec.bit_lines
    if bits.shape != shape:
        raise FlowError(f"bits are {bits.shape}, bank {spec.name} has {shape}")
    packed = np.packbits(bits[:, ::-1].astype(bool), axis=1)
    return "".join(f"{row.tobytes().hex()}\n" for row in packed)
