"""How a ROM can be split into banks."""

from dataclasses import replace

import klayout.db as db
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from base_chip import splits as module
from base_chip.bank import BankSpec, build_bank
from base_chip.bank.timing import load_timing
from base_chip.config import load_base
from base_chip.splits import BANKS, MUX, WORD_LINES, Split, splits
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.rom import RomGeometry

NANO = load_base("nano").rom
SLOW, TYPICAL, FAST = "ss_n40C_1v40", "tt_025C_1v80", "ff_100C_1v95"
roms = st.builds(
    RomGeometry,
    banks=st.sampled_from(BANKS),
    word_lines=st.sampled_from(WORD_LINES),
    bits=st.sampled_from([8, 24, 64, 100, 128, 256]),
    mux=st.sampled_from(MUX),
)


def can_be_drawn(rom):
    try:
        BankSpec.of(rom, "sky130")
    except FlowError:
        return False
    return True


@settings(max_examples=30, deadline=None)
@given(roms.filter(can_be_drawn))
def test_every_split_keeps_the_capacity_and_none_is_left_out_or_repeated(rom):
    found = [s.rom for s in splits(rom, "sky130")]
    assert rom in found
    assert len(found) == len(set(found))
    assert all((r.rows, r.bits) == (rom.rows, rom.bits) for r in found)
    assert all(can_be_drawn(r) for r in found)
    every = {RomGeometry(b, w, rom.bits, m) for b in BANKS for w in WORD_LINES for m in MUX}
    assert set(found) == {r for r in every if r.rows == rom.rows and can_be_drawn(r)}


@settings(max_examples=30, deadline=None)
@given(roms.filter(can_be_drawn))
def test_the_list_does_not_depend_on_the_split_it_starts_from(rom):
    found = splits(rom, "sky130")
    assert splits(found[-1].rom, "sky130") == splits(found[0].rom, "sky130") == found


def test_nanos_rom_has_16_splits():
    found = splits(NANO, "sky130")
    assert len(found) == 16
    assert (found[0].rom.banks, found[0].rom.word_lines, found[0].rom.mux) == (1, 512, 4)
    assert str(found[0]) == "1 bank of 512 x 256, mux 4"


def test_banks_with_too_many_bit_lines_are_left_out():
    wide = replace(NANO, bits=256)
    assert {s.rom.mux for s in splits(wide, "sky130")} == {1, 2, 4}  # 2048 bit lines are more than a bank has


def test_an_unusual_split_is_listed_beside_the_others():
    own = RomGeometry(banks=32, word_lines=32, bits=64, mux=2)
    found = [s.rom for s in splits(own, "sky130")]
    assert found[-1] == own
    assert set(found[:-1]) == {s.rom for s in splits(NANO, "sky130")}


def test_a_rom_whose_own_bank_cannot_be_drawn_is_refused():
    with pytest.raises(FlowError, match="bit_lines is 2048") as e:
        splits(replace(NANO, bits=1024), "sky130")
    assert e.value.code is ExitCode.USAGE


@pytest.mark.parametrize("split", [s for s in splits(NANO, "sky130") if s.rom.banks in (4, 16)], ids=str)
def test_the_area_of_banks_is_that_of_the_drawn_layout_with_the_halo_around(split):
    layout = build_bank(split.bank)
    boundary = layout.layer(*split.bank.process.layers["prBoundary"])
    box = layout.cell(split.bank.name).bbox(boundary)
    assert split.banks_um2((0, 0)) == pytest.approx(split.rom.banks * box.area() * layout.dbu**2)
    grown = db.Box(box.left - 4000, box.bottom - 2000, box.right + 4000, box.top + 2000)
    assert split.banks_um2((4, 2)) == pytest.approx(split.rom.banks * grown.area() * layout.dbu**2)
    assert split.size_um == pytest.approx((box.width() * layout.dbu, box.height() * layout.dbu))


def test_times_are_those_of_the_banks_that_were_simulated_and_of_no_other():
    found = {(s.rom.word_lines, s.rom.bit_lines): s for s in splits(NANO, "sky130")}
    simulated = {size for size, s in found.items() if s.read_ns(SLOW) is not None}
    assert simulated == {(256, 128), (256, 256)}
    assert found[256, 128].read_ns(SLOW) == pytest.approx(10.1, abs=0.05)
    assert found[256, 256].read_ns(SLOW) == pytest.approx(20.3, abs=0.05)
    assert found[256, 128].read_ns(TYPICAL) < found[256, 256].read_ns(TYPICAL) < 10
    assert found[256, 128].read_ns("no_such_corner") is None


def test_a_time_lies_between_the_levels_that_were_measured():
    """Liberty states a ramp that ends with the bit line: later than its half, before its quarter."""
    for size in ((256, 128), (256, 256)):
        bank = BankSpec(*size)
        at = load_timing(bank).corners[SLOW].fall.at
        read = Split(NANO, bank).read_ns(SLOW)
        assert at[50][1][1] < read < at[25][1][1]


def test_a_damaged_table_is_told(monkeypatch):
    def damaged(spec):
        raise FlowError("not a bank's timing")

    monkeypatch.setattr(module, "find_timing", damaged)
    with pytest.raises(FlowError, match="not a bank's timing"):
        Split(NANO, BankSpec(256, 128)).read_ns(SLOW)
