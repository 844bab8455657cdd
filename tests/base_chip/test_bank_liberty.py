import json
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base_chip.bank import BankPlan, BankSpec
from base_chip.bank.liberty import GATE_LOW, TRANSITION_NS, bank_liberty, bit_line_arc
from base_chip.bank.timing import BankTiming, CornerTiming, Edge, load_timing
from base_chip.bank.views import write_views
from base_chip.synth import run_yosys
from rtl_gen.errors import FlowError

sys.path.insert(0, str(Path(__file__).parent))
from liberty_reader import read_liberty

SHIPPED = [BankSpec(8, 16), BankSpec(256, 128), BankSpec(256, 256)]
CORNERS = ("ss_n40C_1v40", "tt_025C_1v80", "ff_100C_1v95")
small = SHIPPED[0]


@pytest.fixture(params=SHIPPED, ids=lambda spec: spec.name)
def timing(request: pytest.FixtureRequest) -> BankTiming:
    return load_timing(request.param)


def rows_and_columns(grid):
    return [*grid, *zip(*grid, strict=True)]


def ascending(values) -> bool:
    return all(a <= b for a, b in pairwise(values))


@pytest.mark.parametrize("corner", CORNERS)
def test_liberty_has_the_pins_and_arcs_of_the_bank(timing, corner):
    spec = timing.spec
    library = read_liberty(bank_liberty(spec, corner, timing))
    assert library.name == f"{spec.name}__{corner}"
    cell = library.one("cell")
    plan = BankPlan(spec)
    assert cell.name == spec.name
    assert float(cell.attributes["area"]) == pytest.approx(plan.width * plan.height / 1e6)
    assert {g.name: g.attributes["pg_type"] for g in cell.all("pg_pin")} == {
        "VPWR": "primary_power",
        "VGND": "primary_ground",
    }
    widths = {g.name: int(g.attributes["bit_width"]) for g in library.all("type")}
    words, bits, pre = cell.one("bus", "WL"), cell.one("bus", "BL"), cell.one("pin", "PRE_N")
    assert (words.attributes["direction"], pre.attributes["direction"]) == ("input", "input")
    assert bits.attributes["direction"] == "output"
    assert widths[words.attributes["bus_type"]] == spec.word_lines
    assert widths[bits.attributes["bus_type"]] == spec.bit_lines
    assert {p.attributes["clock"] for p in (words, pre)} == {"true"}
    assert float(pre.attributes["min_pulse_width_low"]) == timing.corners[corner].precharge_ns
    fall, rise = bits.all("timing")
    assert fall.attributes["related_bus_pins"] == "WL"
    assert fall.attributes["timing_type"] == "rising_edge"
    assert rise.attributes["related_pin"] == "PRE_N"
    assert rise.attributes["timing_type"] == "falling_edge"
    for arc, edge in ((fall, "fall"), (rise, "rise")):
        delay, transition = bit_line_arc(timing.corners[corner], edge)
        for name, grid in ((f"cell_{edge}", delay), (f"{edge}_transition", transition)):
            assert arc.grid(name) == [[round(v, 4) for v in row] for row in grid]
            assert arc.one(name).name == library.one("lu_table_template").name


def test_tables_rise_with_slew_and_load(timing):
    for corner in timing.corners.values():
        for edge in ("fall", "rise"):
            delay, transition = bit_line_arc(corner, edge)
            assert all(ascending(row) for row in transition)
            assert all(ascending(row) for row in delay)
            if corner.late:  # early: a slow ramp starts a fast bit line before its own half
                assert all(ascending(line) for line in rows_and_columns(delay))
            assert all(0 < v <= TRANSITION_NS for row in transition for v in row)


def test_slow_is_slower_than_typical_and_fast_is_faster(timing):
    assert tuple(timing.corners) == CORNERS
    assert [timing.corners[c].late for c in CORNERS] == [True, True, False]
    for edge in ("fall", "rise"):
        slow, typical, fast = (bit_line_arc(timing.corners[c], edge)[0] for c in CORNERS)
        for rows in zip(slow, typical, fast, strict=True):
            for a, b, c in zip(*rows, strict=True):
                assert a > b > c
    pulses = [timing.corners[c].precharge_ns for c in CORNERS]
    assert pulses == sorted(pulses, reverse=True)


def test_larger_banks_are_slower_and_heavier():
    eight, half, full = (load_timing(spec).corners["ss_n40C_1v40"] for spec in SHIPPED)
    assert eight.fall.at[50][1][1] < half.fall.at[50][1][1] < full.fall.at[50][1][1]
    assert half.word_line_ff == pytest.approx(full.word_line_ff / 2, rel=0.1)
    assert eight.precharge_ns < half.precharge_ns


LEVELS = st.lists(st.floats(0.01, 9), min_size=6, max_size=6, unique=True).map(sorted)


@given(LEVELS, st.booleans())
def test_ramp_is_on_the_safe_side_of_the_bit_line(times, late):
    """At its anchor the ramp meets the bit line; on the other side of it the bit line leads (or follows)."""

    def corner(levels) -> CornerTiming:
        edge = Edge({level: ((t,),) for level, t in zip(levels, times, strict=True)})
        return CornerTiming(1.8, 25, late, 1, 1, 1, 1, 1, 1, fall=edge, rise=edge)

    for name, levels in (("fall", (80, 75, 50, 25, 20, 5)), ("rise", (20, 25, 50, 75, 80, 95))):
        ((delay,),), ((transition,),) = bit_line_arc(corner(levels), name)
        measured = dict(zip(levels, times, strict=True))

        def ramp(level, delay=delay, transition=transition, sign=-1 if name == "fall" else 1):
            return delay + sign * (level - 50) / 60 * transition

        begin, end = (80, GATE_LOW) if name == "fall" else (20, 80)
        assert transition <= TRANSITION_NS
        if late:
            assert ramp(end) == pytest.approx(measured[end])
            assert ramp(50) <= measured[end]
        else:
            assert ramp(begin) == pytest.approx(measured[begin])
            assert ramp(50) <= measured[begin] + transition


def test_a_table_of_another_bank_or_corner_is_refused():
    table = load_timing(small)
    with pytest.raises(FlowError, match="not of BankSpec\\(word_lines=16"):
        bank_liberty(BankSpec(16, 16), CORNERS[0], table)
    with pytest.raises(FlowError, match="no timing in corner 'sf', there are: ss_n40C_1v40"):
        bank_liberty(small, "sf", table)


def test_a_bank_that_was_not_simulated_says_how_to():
    with pytest.raises(FlowError, match="no timing of scf_bank_24x40") as e:
        load_timing(BankSpec(24, 40))
    assert "base_chip.bank.characterise" in e.value.hint
    with pytest.raises(FlowError, match=r"precharge_fingers=4.*precharge_fingers=8"):
        load_timing(replace(small, precharge_fingers=8))


def test_table_survives_its_text(timing):
    assert BankTiming.from_json(timing.to_json()) == timing


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda d: d.update(format="x"), "format is 'x'"),
        (lambda d: d.pop("spec"), "'spec'"),
        (lambda d: d["spec"].update(word_lines=7), "word_lines is 7"),
        (lambda d: d["corners"]["tt_025C_1v80"].pop("volts"), "volts"),
        (lambda d: d["corners"]["tt_025C_1v80"]["fall"]["at"]["50"].pop(), "grid is not 3 x 3"),
    ],
)
def test_a_spoilt_table_is_refused(spoil, message):
    data = json.loads(load_timing(small).to_json())
    spoil(data)
    with pytest.raises(FlowError, match=message):
        BankTiming.from_json(json.dumps(data))


@given(
    st.recursive(st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x))
)
def test_other_text_is_refused(data):
    with pytest.raises(FlowError, match="not a bank's timing"):
        BankTiming.from_json(json.dumps(data))


def test_views_have_a_liberty_a_corner(tmp_path):
    files = write_views(small, tmp_path, timing=load_timing(small))
    for corner in CORNERS:
        assert files[corner].name == f"scf_bank_8x16__{corner}.lib"
        assert files[corner].read_text() == bank_liberty(small, corner, load_timing(small))
    assert not set(CORNERS) & set(write_views(small, tmp_path / "without"))


def test_yosys_reads_it(tmp_path):
    for corner in CORNERS:
        (tmp_path / f"{corner}.lib").write_text(bank_liberty(small, corner, load_timing(small)))
    ports = ".WL(w), .PRE_N(p), .BL(b)"
    (tmp_path / "top.v").write_text(
        f"module top(input [7:0] w, input p, output [15:0] b); scf_bank_8x16 u ({ports}); endmodule\n"
    )
    for corner in CORNERS:
        script = f"read_liberty -lib {corner}.lib\nread_verilog top.v\nhierarchy -check -top top\nstat\n"
        output = run_yosys(script, tmp_path, corner)
        assert "Imported 1 cell types" in output
        assert "Warning" not in output
