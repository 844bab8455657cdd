"""Reads, writes and margins of SRAM macros with ngspice."""

import dataclasses
import shutil

import pytest

from base_chip.arrays import latch
from base_chip.arrays.sram.characterise.deck import START_NS, SramDeck, sizes
from base_chip.arrays.sram.characterise.mismatch import cell_margin
from base_chip.arrays.sram.spec import SramSpec
from base_chip.bank.characterise.corners import corners
from base_chip.bank.characterise.models import model_text
from base_chip.bank.characterise.ngspice import measure
from flow.pdk.providers import find_pdk
from rtl_gen.errors import FlowError

pytestmark = pytest.mark.flow
TYPICAL = corners("sky130")["tt_025C_1v80"]
SMALL = SramSpec(32, 16)
LOW_NS = 8.0


@pytest.fixture(scope="module")
def library(sky130):
    if shutil.which("ngspice") is None:
        pytest.skip("ngspice is not on PATH")
    try:
        return find_pdk(sky130, need_all=False).path("spice_models").parent
    except FlowError as e:
        pytest.skip(str(e))


@pytest.fixture
def deck(library):
    return deck_of(library)


def deck_of(library) -> SramDeck:
    return SramDeck(SMALL, TYPICAL, True, model_text(SMALL.array, library, TYPICAL.process, sizes()))


def test_a_zero_is_read_and_the_bit_line_recovers(deck):
    found = measure(lambda stop: deck.read(0.5, 30, LOW_NS, stop), START_NS + 2 * LOW_NS)
    assert 0 < found["ev"] < found["word"] < found["line"] < found["read"] < 5e-9
    assert found["charge"] < 3e-9
    assert found["kept"] > 0.9 * TYPICAL.volts  # the latch, through the precharge


def test_a_one_is_written_over_a_zero(deck):
    found = measure(lambda stop: deck.write(0.5, LOW_NS, stop), START_NS + 2 * LOW_NS)
    assert 0 < found["word"] < found["written"] < 4e-9
    assert 0 < found["closed"] < 4e-9


def test_a_keeper_that_is_too_strong_is_found(library, monkeypatch):
    strong = dataclasses.replace(latch.SIZES, keeper=3360, keeper_length=150)
    monkeypatch.setattr(latch, "SIZES", strong)
    deck = deck_of(library)
    with pytest.raises(FlowError, match=r"no value of .*read"):
        measure(lambda stop: deck.read(0.5, 30, 4, stop), START_NS + 8)


def test_a_cell_stands_high_bit_lines_and_can_be_written(library):
    for kind in ("half", "write"):
        margin = cell_margin(SMALL, kind, library, "tt", 1.8, 25, samples=5)
        assert len(margin.volts) == 5
        assert margin.volts.std() > 0.002  # every sample has thresholds of its own
        assert margin.sigmas > 6
