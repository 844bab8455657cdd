"""Reads, writes, setups, holds and margins of SRAM macros with ngspice."""

import dataclasses
import re

import pytest

from base_chip.arrays.characterise.deck import START_NS
from base_chip.arrays.sram import cell, latch
from base_chip.arrays.sram.characterise.deck import SramDeck, sizes
from base_chip.arrays.sram.characterise.leakage import leakage_deck
from base_chip.arrays.sram.characterise.mismatch import KINDS, cell_margin
from base_chip.arrays.sram.characterise.table import setup_and_hold
from base_chip.arrays.sram.spec import SramSpec
from base_chip.arrays.sram.timing import load_timing
from base_chip.bank.characterise.corners import corners
from base_chip.bank.characterise.models import model_text
from base_chip.bank.characterise.ngspice import measure
from rtl_gen.errors import ExitCode, FlowError

pytestmark = pytest.mark.flow
TYPICAL = corners("sky130")["tt_025C_1v80"]
SMALL = SramSpec(32, 16)
LOW_NS = 8.0


@pytest.fixture
def deck(library):
    return deck_of(library)


def deck_of(library, spec: SramSpec = SMALL) -> SramDeck:
    return SramDeck(spec, TYPICAL, True, model_text(spec.array, library, TYPICAL.process, sizes()))


def test_the_shipped_table_bounds_a_read(library):
    """The table was measured with a keeper of 0.2 um, against which a cell is slower."""
    spec = SramSpec(256, 128)
    found = measure(lambda stop: deck_of(library, spec).read(0.5, 30, LOW_NS, stop), START_NS + 2 * LOW_NS)
    table = load_timing(spec).corners[TYPICAL.name]
    for name, bound in (
        ("read", table.fall.delay[1][1]),
        ("sensed", table.low_ns),
        ("charge", table.high_ns),
    ):
        assert 0.75 * bound < found[name] * 1e9 < 1.01 * bound, name


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


def test_q_rises_as_the_latch_opens_on_a_bit_line_that_is_high(deck):
    found = measure(lambda stop: deck.early(0.5, 30, stop), START_NS + LOW_NS)
    assert 0 < found["open"] < 2e-9


def test_a_quiet_bit_line_stays_while_all_others_fall(deck):
    kept = measure(lambda stop: deck.quiet(5, stop), START_NS + LOW_NS)["kept"]
    assert 0.8 * TYPICAL.volts < kept < 0.995 * TYPICAL.volts  # and the others do pull at it


def test_a_word_that_comes_after_the_hold_is_not_written(deck):
    """Both edges in one simulation; the hold is worked out from one edge each."""
    _, hold = setup_and_hold(deck, LOW_NS)

    def peak(after_ns: float) -> float:
        end = START_NS + LOW_NS / 2 + 0.5 / 0.6 / 2  # clk at half the supply
        text = deck.moved("clk", (0.5, 0.5), LOW_NS / 2, START_NS + 2 * LOW_NS)
        text = re.sub(r"^\.measure.*\n", "", text, flags=re.M)
        text = re.sub(
            r"^(Vin\d a\[0\] 0) .*",
            rf"\1 pwl(0 0 {end + after_ns}n 0 {end + after_ns + 0.1}n {{vdd}})",
            text,
            flags=re.M,
        )
        watch = f".measure tran peak max v(wwl0) from=0 to={START_NS + 2 * LOW_NS}n"
        return measure(lambda _: text.replace(".end\n", f"{watch}\n.end\n"), 0)["peak"]

    assert peak(hold["a"]) < 0.1 * TYPICAL.volts
    assert peak(hold["a"] - 1) > 0.5 * TYPICAL.volts


@pytest.mark.parametrize("pin", ["write[0]", "d[0]"])
def test_what_comes_before_the_hold_is_written_and_what_comes_after_is_not(deck, pin):
    _, hold = setup_and_hold(deck, LOW_NS)

    def high(after_ns: float) -> float:
        text = deck.overwritten(pin, after_ns, 1.5, LOW_NS / 2, START_NS + 2 * LOW_NS)
        return measure(lambda _: text, 0)["high"] / TYPICAL.volts

    assert high(hold[pin.split("[")[0]]) > 0.95
    assert high(-1) < 0.5


def test_leakage_grows_with_the_cells(library):
    def amperes(spec: SramSpec) -> float:
        models = model_text(spec.array, library, TYPICAL.process, sizes())
        return -measure(lambda stop: leakage_deck(spec, TYPICAL, models, stop), 20)["leakage"]

    one, two, four = (amperes(SramSpec(words, 16)) for words in (32, 64, 128))
    assert one > 0
    assert four - two == pytest.approx(2 * (two - one), rel=0.01)


@pytest.mark.parametrize("kind", KINDS)
def test_a_cell_has_six_sigma_of_margin(library, kind):
    """In its weakest corner (docs/memories.md)."""
    corner = {
        "hold": ("sf", 1.4, -40),
        "half": ("sf", 1.95, 100),
        "write": ("fs", 1.4, 100),
        "read": ("fs", 1.4, 100),
    }[kind]
    margin = cell_margin(SMALL, kind, library, *corner, samples=20)
    assert len(margin.volts) == 20
    assert margin.volts.std() > 0.002  # every sample has thresholds of its own
    assert margin.sigmas > 4.5  # 20 samples know a sigma to a sixth


def test_margins_see_what_would_spoil_them(library, monkeypatch):
    """A stronger pull down helps what is not written, a stronger pull up hinders what is."""

    def mean(kind: str) -> float:
        return float(cell_margin(SMALL, kind, library, "tt", 1.8, 25, samples=2).volts.mean())

    half, write = mean("half"), mean("write")
    monkeypatch.setitem(cell.WIDTHS, "down", 650)
    assert mean("half") > half + 0.03
    monkeypatch.setitem(cell.WIDTHS, "up", 650)
    assert mean("write") < write - 0.03


def test_missing_ngspice_is_told(library, monkeypatch):
    monkeypatch.setenv("PATH", "")
    for run in (
        lambda: measure(lambda stop: deck_of(library).read(0.5, 30, LOW_NS, stop), 10),
        lambda: cell_margin(SMALL, "hold", library, "tt", 1.8, 25, samples=2),
    ):
        with pytest.raises(FlowError, match="ngspice is not installed") as error:
            run()
        assert error.value.code == ExitCode.MISSING_TOOL


def test_a_cell_that_cannot_be_written_has_no_margin_and_is_told(library, monkeypatch):
    monkeypatch.setitem(cell.WIDTHS, "up", 5000)
    with pytest.raises(FlowError, match="a sample has no margin") as error:
        cell_margin(SMALL, "write", library, "sf", 1.95, 100, samples=2)
    assert error.value.code == ExitCode.TOOL_FAILED
