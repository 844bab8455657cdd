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


def multiples(lines: str, pattern: str) -> int:
    """Instances that match, each counted by its multiplier."""
    found = [line for line in lines.splitlines() if re.match(pattern, line)]
    return sum(int(m.group(1)) if (m := re.search(r" m=(\d+)$", line)) else 1 for line in found)


@pytest.mark.parametrize("late", [True, False])
@pytest.mark.parametrize("spec", [BankSpec(8, 8), SPEC, BankSpec(256, 256)], ids=lambda s: s.name)
def test_a_word_line_has_every_cell_and_a_precharge_every_column(spec, late):
    deck = Deck(column(spec, late), "")
    assert multiples(deck.read(0.5, 30, 10), r"X(cells|out)") == spec.bit_lines
    assert multiples(deck.precharge(0.5, 30, 10), r"X(cells|out)") == spec.bit_lines


def test_a_column_has_every_row():
    text = "\n".join(column().subcircuits(30))
    assert multiples(text, r"X(read|off) ") == SPEC.word_lines
    assert multiples(text, r"Xdummy ") == SPEC.word_lines // 2
    assert len(re.findall(r"^Xpre", text, re.M)) == SPEC.precharge_fingers


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

    edge, middle = sides(column().cell()), sides(column(late=False).cell())
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
