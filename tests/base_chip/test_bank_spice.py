import re

import numpy as np
import pytest

from base_chip.bank import BankPlan, BankSpec
from base_chip.bank.pins import bank_pins
from base_chip.bank.spice import bank_spice
from rtl_gen.errors import FlowError

SPEC = BankSpec(8, 16)


def random_bits(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((SPEC.word_lines, SPEC.bit_lines)) < 0.5


def test_netlist_has_a_transistor_for_every_bit_and_ties_the_set_ones():
    bits = random_bits()
    netlist = bank_spice(SPEC, bits)
    bits_in_all = SPEC.word_lines * SPEC.bit_lines
    assert len(re.findall(r"^XN", netlist, re.M)) == bits_in_all
    assert len(re.findall(r"^XD", netlist, re.M)) == bits_in_all // 2
    assert len(re.findall(r"^XP", netlist, re.M)) == SPEC.bit_lines * SPEC.precharge_fingers
    tied = {
        (int(w), int(b))
        for name, nodes in re.findall(r"^XN(\S+) (.*)", netlist, re.M)
        for w, b in [name.split("_")]
        if f"BL[{b}]" in nodes.split()
    }
    assert tied == {(int(w), int(b)) for w, b in np.argwhere(bits)}


def test_netlist_without_contents_is_the_base():
    assert bank_spice(SPEC) == bank_spice(SPEC, np.zeros((8, 16), bool))


def test_netlist_ports_are_the_pins():
    head = bank_spice(SPEC).split(".subckt")[1].split("X", 1)[0].replace("\n+", " ")
    assert head.split()[1:] == [pin.name for pin in bank_pins(BankPlan(SPEC))]


def test_contents_of_another_size_are_refused():
    with pytest.raises(FlowError, match=r"bits are \(4, 4\), bank scf_bank_8x16 has \(8, 16\)"):
        bank_spice(SPEC, np.zeros((4, 4), bool))
