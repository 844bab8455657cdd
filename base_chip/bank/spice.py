"""The bank as a transistor netlist, from its contents and not from its layout."""

__all__ = ["bank_spice"]

from collections.abc import Iterator

import numpy as np

from base_chip.bank.pins import bank_pins
from base_chip.bank.plan import BankPlan
from base_chip.bank.spec import BankSpec
from rtl_gen.errors import FlowError


def bank_spice(spec: BankSpec, bits: np.ndarray | None = None) -> str:
    """A `.subckt` with every transistor of the bank.

    Args:
        spec: The bank.
        bits: bool [word_lines, bit_lines]; a set bit ties a cell's drain to its bit line.
            None is the base without program vias.

    Raises:
        FlowError: If `bits` has another shape.
    """
    shape = spec.word_lines, spec.bit_lines
    if bits is None:
        bits = np.zeros(shape, bool)
    if bits.shape != shape:
        raise FlowError(f"bits are {bits.shape}, bank {spec.name} has {shape}")
    return "\n".join(_lines(spec, bits)) + "\n"


def _lines(spec: BankSpec, bits: np.ndarray) -> Iterator[str]:
    ports = [pin.name for pin in bank_pins(BankPlan(spec))]
    yield f"* {spec.name}: word line, bit line; a cell's drain is its bit line where a bit is set"
    yield f".subckt {spec.name}"
    yield from ("+ " + " ".join(ports[i : i + 16]) for i in range(0, len(ports), 16))
    d, devices = spec.dims, spec.process.devices
    size = f"w={d.channel * 1000}u l={d.gate * 1000}u"  # models scale by 1e-6: nm * 1000 u = um
    nfet, pfet = f"{devices['nfet']} {size}", f"{devices['pfet']} {size}"
    for word in range(0, spec.word_lines, 2):
        for bit in range(spec.bit_lines):
            low, high = (f"BL[{bit}]" if bits[w, bit] else f"D{w}_{bit}" for w in (word, word + 1))
            yield f"XN{word}_{bit} VGND WL[{word}] {low} VGND {nfet}"
            yield f"XD{word}_{bit} {low} VGND {high} VGND {nfet}"
            yield f"XN{word + 1}_{bit} {high} WL[{word + 1}] VGND VGND {nfet}"
    for bit in range(spec.bit_lines):
        for finger in range(spec.precharge_fingers):
            yield f"XP{finger}_{bit} VPWR PRE_N BL[{bit}] VPWR {pfet}"
    yield f".ends {spec.name}"
