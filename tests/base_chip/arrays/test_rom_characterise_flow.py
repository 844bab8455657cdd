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
TYPICAL, SLOW = (corners("sky130")[name] for name in ("tt_025C_1v80", "ss_n40C_1v40"))
WEAKEST = dataclasses.replace(SLOW, name="fs_100C_1v40", process="fs", celsius=100)
SMALL = RomSpec(32, 32)


def cycle(spec: RomSpec, library, low_ns: float) -> dict[str, float]:
    models = model_text(spec.array, library, TYPICAL.process, sizes())
    deck = RomDeck(spec, TYPICAL, True, models)
    return measure(lambda stop: deck.cycle(0.5, 30, low_ns, stop), START_NS + 2 * low_ns)


@pytest.mark.parametrize("mux", [1, 4])
def test_the_shipped_table_bounds_a_read(library, mux):
    """The table was measured with stronger keepers, against which a cell is slower."""
    spec = RomSpec(256, 128, mux=mux)
    found, table = cycle(spec, library, 12), load_timing(spec).corners[TYPICAL.name]
    for name, bound in (("read", table.fall.delay[1][1]), ("sensed", table.low_ns)):
        assert 0.85 * bound < found[name] * 1e9 < 1.01 * bound, name
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


@pytest.mark.parametrize("mux", [1, 4])
def test_the_margin_of_a_read_is_beyond_six_sigma(library, mux):
    """Where n is slow and p is fast the keeper pulls most."""
    margin = read_margin(RomSpec(32, 32, mux=mux), WEAKEST, library, samples=20)
    assert len(margin.trip) == 20
    assert margin.trip.std() > 0.001  # every sample has thresholds of its own
    assert margin.sigmas > 4.5  # 20 samples know a sigma to a sixth


@pytest.mark.parametrize("mux", [1, 4])
def test_a_quiet_bit_line_stays_above_the_latch(library, mux):
    """Between two that fall as fast as the strongest of many cells makes them."""
    spec = RomSpec(64, 32, mux=mux)
    trip = read_margin(spec, SLOW, library, samples=10).trip
    models = model_text(spec.array, library, SLOW.process, sizes())
    deck = RomDeck(spec, SLOW, False, models)
    kept = measure(lambda stop: deck.hold(5.0, stop), START_NS + 20)["kept"] / SLOW.volts
    assert kept < 0.95  # the others do pull at it
    assert kept > trip.mean() + trip.std()


def test_missing_ngspice_is_told(monkeypatch, library):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(FlowError, match="ngspice is not installed") as error:
        cycle(SMALL, library, 4)
    assert error.value.code == ExitCode.MISSING_TOOL
