"""Decks of the characterisation, without a simulator."""

import re
from dataclasses import replace

import pytest

from base_chip.bank import BankSpec
from base_chip.bank.characterise.column import Column
from base_chip.bank.characterise.corners import corners
from base_chip.bank.characterise.deck import Deck
from base_chip.bank.characterise.models import model_text
from base_chip.bank.characterise.ngspice import measure
from rtl_gen.errors import ExitCode, FlowError

SPEC = BankSpec(64, 64)
CORNER = corners("sky130")["tt_025C_1v80"]


def column(spec: BankSpec = SPEC, late: bool = True) -> Column:
    return Column(spec, CORNER, late)


def subcircuits(deck: str) -> dict[str, str]:
    return dict(re.findall(r"^\.subckt (\S+) wl pre vdd out\n(.*?)^\.ends$", deck, re.M | re.S))


def transistors(text: str, pattern: str) -> int:
    """Transistors that match, each counted by its multiplier."""
    return sum(map(int, re.findall(rf"^{pattern}\S* .* m=(\d+)$", text, re.M)))


@pytest.mark.parametrize("late", [True, False])
@pytest.mark.parametrize("spec", [BankSpec(8, 8), SPEC, BankSpec(256, 256)], ids=lambda s: s.name)
def test_a_word_line_has_every_cell_and_a_precharge_every_column(spec, late):
    deck = Deck(column(spec, late), "")
    assert transistors(deck.read(0.5, 30, 10), "X(?:read|cells)") == spec.bit_lines
    assert transistors(deck.precharge(0.5, 30, 10), "Xpre") == spec.bit_lines * spec.precharge_fingers


def test_a_column_has_every_row():
    text = "\n".join(column().subcircuit("one", 1, 30))
    assert transistors(text, "X(?:read|off)") == SPEC.word_lines
    assert transistors(text, "Xdummy") == SPEC.word_lines // 2
    assert transistors(text, "Xpre") == SPEC.precharge_fingers


def test_columns_in_parallel_weigh_and_conduct_as_many():
    one, five = ("\n".join(column().subcircuit("some", count, 30)) for count in (1, 5))

    def values(text: str, kind: str) -> list[float]:
        return [float(v) for v in re.findall(rf"^{kind}\S+ \S+ \S+ ([\d.e+]+)f?$", text, re.M)]

    assert values(five, "C") == pytest.approx([5 * v for v in values(one, "C")], rel=1e-4)
    assert values(five, "R") == pytest.approx([v / 5 for v in values(one, "R")], rel=1e-4)
    assert transistors(five, "X") == 5 * transistors(one, "X")


def test_no_subcircuit_of_ours_has_a_multiplier():
    """ngspice-39 forgets the multipliers inside a subcircuit of which an instance has one."""
    for late in (True, False):
        deck = Deck(column(late=late), "")
        for text in (deck.read(0.5, 30, 10), deck.precharge(0.5, 30, 10), deck.hold(5, 10)):
            for name in subcircuits(text):
                (instance,) = re.findall(rf"^X.* {name}\b.*$", text, re.M)
                assert "m=" not in instance


def test_the_word_line_is_as_long_as_the_bank():
    def ohm(spec: BankSpec) -> float:
        text = Deck(column(spec), "").read(0.5, 30, 10)
        return sum(float(v) for v in re.findall(r"^R[ab]\d+ \S+ \S+ (\S+)", text, re.M))

    sheet, pitch, gate = CORNER.wires.ohms["poly"], 0.69, 0.15
    assert ohm(SPEC) == pytest.approx(sheet * pitch / gate * (63 + 1), rel=0.001)  # one strap column between
    assert ohm(BankSpec(64, 128)) > 2 * ohm(SPEC)


def test_late_columns_weigh_more_and_have_weaker_cells():
    late, early = column(), column(late=False)
    assert late.capacitance_ff() > 2 * early.capacitance_ff()
    assert late.shift() == -early.shift() > 0
    assert late.source_ohm() > early.source_ohm()
    assert column(replace(SPEC, word_lines=128)).capacitance_ff() > 1.9 * late.capacitance_ff()


def test_stress_is_that_of_the_place_in_the_block():
    def sides(text: str) -> list[float]:
        return [float(v) for v in re.findall(r"s[ab]=(\S+)", text)]

    edge, middle = sides(column().cell(1)), sides(column(late=False).cell(1))
    assert edge[0] < 0.5 < edge[1]
    assert middle[0] == pytest.approx(middle[1], abs=0.01)
    assert sum(edge) == pytest.approx(sum(middle))


def test_missing_models_are_named(tmp_path):
    with pytest.raises(FlowError, match="no transistor model") as e:
        model_text(SPEC, tmp_path, "tt")
    assert e.value.code == ExitCode.MISSING_TOOL
    assert "sc-flow pdk install sky130" in e.value.hint


def test_a_missing_simulator_is_named(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(FlowError, match="ngspice is not installed") as e:
        measure(lambda stop: "", 1)
    assert e.value.code == ExitCode.MISSING_TOOL


def test_a_simulation_without_an_end_is_told(monkeypatch, tmp_path):
    exe = tmp_path / "ngspice"
    exe.write_text("#!/bin/sh\nexec sleep 60\n")
    exe.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr("base_chip.bank.characterise.ngspice._TIMEOUT_S", 0.2)
    with pytest.raises(FlowError, match="did not end within") as e:
        measure(lambda _: "* a read\n", 1)
    assert e.value.code == ExitCode.TOOL_FAILED
