import json
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base_chip.bank import BankSpec
from base_chip.bank.liberty import GATE_LOW, TRANSITION_NS, bit_line_arc
from base_chip.bank.timing import BankTiming, CornerTiming, Edge, load_timing
from rtl_gen.errors import FlowError

SHIPPED = [BankSpec(8, 16), BankSpec(256, 128)]
CORNERS = ("ss_n40C_1v40", "tt_025C_1v80", "ff_100C_1v95")
small = SHIPPED[0]


@pytest.fixture(params=SHIPPED, ids=lambda spec: spec.name)
def timing(request: pytest.FixtureRequest) -> BankTiming:
    return load_timing(request.param)


def rows_and_columns(grid):
    return [*grid, *zip(*grid, strict=True)]


def ascending(values) -> bool:
    return all(a <= b for a, b in pairwise(values))


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
    eight, full = (load_timing(spec).corners["ss_n40C_1v40"] for spec in SHIPPED)
    assert eight.fall.at[50][1][1] < full.fall.at[50][1][1]
    assert 4 * eight.word_line_ff < full.word_line_ff
    assert eight.precharge_ns < full.precharge_ns


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
