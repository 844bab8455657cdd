"""The characterisation of ROM macros with ngspice."""

import dataclasses

import pytest

from base_chip.arrays import rom_latch
from base_chip.arrays.characterise.deck import START_NS, RomDeck, sizes
from base_chip.arrays.characterise.mismatch import read_margin
from base_chip.arrays.spec import RomSpec
from base_chip.arrays.timing import load_timing
from base_chip.bank.characterise.corners import corners
from base_chip.bank.characterise.models import model_text
from base_chip.bank.characterise.ngspice import measure
from rtl_gen.errors import ExitCode, FlowError

pytestmark = pytest.mark.flow
TYPICAL = corners("sky130")["tt_025C_1v80"]
SMALL = RomSpec(32, 32)


def cycle(spec: RomSpec, library, low_ns: float) -> dict[str, float]:
    models = model_text(spec.array, library, TYPICAL.process, sizes())
    deck = RomDeck(spec, TYPICAL, True, models)
    return measure(lambda stop: deck.cycle(0.5, 30, low_ns, stop), START_NS + 2 * low_ns)


def test_a_point_of_the_shipped_table_comes_out_again(library):
    spec = RomSpec(256, 128)
    found, table = cycle(spec, library, 12), load_timing(spec).corners[TYPICAL.name]
    assert found["read"] * 1e9 == pytest.approx(table.fall.delay[1][1], rel=0.01)
    assert found["charge"] * 1e9 == pytest.approx(table.high_ns, rel=0.01)


def test_a_small_macro_reads_holds_and_precharges(library):
    found = cycle(SMALL, library, 8)
    full = load_timing(RomSpec(256, 128)).corners[TYPICAL.name]
    assert found["read"] * 1e9 < full.fall.delay[1][1] / 1.5
    assert found["kept"] > 0.9 * TYPICAL.volts  # m, through the precharge
    assert found["word"] < found["sensed"] < found["read"] + 1e-9


def test_a_keeper_that_is_too_strong_is_found(library, monkeypatch):
    strong = dataclasses.replace(rom_latch.SIZES, keeper=3360, keeper_length=150)
    monkeypatch.setattr(rom_latch, "SIZES", strong)
    with pytest.raises(FlowError, match=r"no value of .*read"):
        cycle(SMALL, library, 4)


def test_the_margin_of_a_read_is_beyond_six_sigma(library):
    margin = read_margin(SMALL, TYPICAL, library, samples=20)
    assert len(margin.trip) == 20
    assert margin.trip.std() > 0.001  # every sample has thresholds of its own
    assert margin.sigmas > 6


def test_missing_ngspice_is_told(monkeypatch, library):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(FlowError, match="ngspice is not installed") as error:
        cycle(SMALL, library, 4)
    assert error.value.code == ExitCode.MISSING_TOOL
