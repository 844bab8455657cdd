import re

import numpy as np
import pytest

from base_chip.bank import BankPlan, BankSpec
from base_chip.bank.pins import bank_pins
from base_chip.bank.views import bank_lef, bank_spice, bank_verilog, device_counts, rom_hex, write_views
from rtl_gen.errors import FlowError

SPEC = BankSpec(8, 16)


def random_bits(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((SPEC.word_lines, SPEC.bit_lines)) < 0.5


def test_lef_has_the_pins_of_the_layout():
    lef, plan = bank_lef(SPEC), BankPlan(SPEC)
    assert re.search(rf"SIZE {plan.width / 1000:.3f} BY {plan.height / 1000:.3f} ;", lef)
    for pin in bank_pins(plan):
        text = re.search(rf"  PIN {re.escape(pin.name)}\n(.*?)  END {re.escape(pin.name)}\n", lef, re.S)
        assert text, pin.name
        found = re.findall(r"LAYER (\w+) ;\s+RECT ([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+) ;", text.group(1))
        assert [(layer, *(round(float(v) * 1000) for v in box)) for layer, *box in found] == [
            (r.layer, r.x0, r.y0, r.x1, r.y1) for r in pin.rects
        ]
        assert f"USE {pin.use} ;" in text.group(1)


def test_obstructions_leave_the_pins_free():
    lef = bank_lef(SPEC)
    obstructions = [
        (layer, *map(float, box))
        for layer, *box in re.findall(
            r"LAYER (\w+) ;\s+RECT ([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+) ;", lef[lef.index("  OBS") :]
        )
    ]
    assert {layer for layer, *_ in obstructions} == {"li1", "met1", "met2", "met3"}
    for pin in bank_pins(BankPlan(SPEC)):
        for r in pin.rects:
            for layer, x0, y0, x1, y1 in obstructions:
                apart = r.x1 <= x0 * 1000 or r.y1 <= y0 * 1000 or r.x0 >= x1 * 1000 or r.y0 >= y1 * 1000
                assert layer != r.layer or apart, (pin.name, layer)


def test_netlist_has_a_transistor_for_every_bit_and_ties_the_set_ones():
    bits = random_bits()
    netlist = bank_spice(SPEC, bits)
    counts = device_counts(SPEC)
    assert len(re.findall(r"^XN", netlist, re.M)) == counts["cell"]
    assert len(re.findall(r"^XD", netlist, re.M)) == counts["dummy"]
    assert len(re.findall(r"^XP", netlist, re.M)) == counts["precharge"]
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


def test_hex_has_bit_line_0_in_the_lowest_bit():
    bits = random_bits()
    rows = [int(line, 16) for line in rom_hex(SPEC, bits).splitlines()]
    assert [[row >> b & 1 for b in range(16)] for row in rows] == bits.astype(int).tolist()


def test_verilog_is_filled_in():
    text = bank_verilog(SPEC)
    assert "module scf_bank_8x16" in text
    assert "@" not in re.sub(r"always @\(", "", text)


@pytest.mark.parametrize("view", [bank_spice, rom_hex])
def test_contents_of_another_size_are_refused(view):
    with pytest.raises(FlowError, match=r"bits are \(4, 4\), bank scf_bank_8x16 has \(8, 16\)"):
        view(SPEC, np.zeros((4, 4), bool))


def test_views_are_written(tmp_path):
    files = write_views(SPEC, tmp_path / "bank", random_bits())
    assert set(files) == {"gds", "lef", "verilog", "spice", "sites"}
    assert all(path.stat().st_size for path in files.values())
