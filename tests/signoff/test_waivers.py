"""A waiver takes its fault out of a row, and nothing else; one that covers nothing fails the row."""

import math
from datetime import date

import pytest

from signoff.drc_klayout import parse_report
from signoff.markers import write_markers
from signoff.violations import Fault
from signoff.waivers import Waiver, expired, judged, waive

FAULT = Fault("met1.2", "chip", (1.0, 1.0, 2.0, 3.0), "(1, 1, 2, 3)")
WAIVER = Waiver("drc_magic", "met1.2", (0.0, 0.0, 5.0, 5.0), "as drawn by the foundry", date(2030, 1, 1))


def row(faults, waivers):
    after = waive("drc_magic", "chip", faults, waivers)
    return judged("drc_magic", "Magic", "1", after, "detail")


def test_a_covered_fault_is_counted_apart_with_reason_and_expiry():
    found = row([FAULT], [WAIVER])
    assert (found.status, found.count, found.waived) == ("waived", 0, 1)
    assert found.reason == "1 waived: as drawn by the foundry (until 2030-01-01)"


@pytest.mark.parametrize(
    "other",
    [
        Fault("met1.1", "chip", FAULT.box, ""),
        Fault("met1.2", "bank", FAULT.box, ""),
        Fault("met1.2", "chip", (4.0, 1.0, 5.1, 3.0), ""),
    ],
    ids=["rule", "cell", "partly outside"],
)
def test_any_other_fault_stays(other):
    found = row([FAULT, other], [WAIVER])
    assert (found.status, found.count, found.waived) == ("fail", 1, 1)


def test_a_waiver_names_the_cell_that_a_tool_reports_a_fault_in():
    inside = Fault("met1.2", "bank", FAULT.box, "")
    of_bank = Waiver(**{**WAIVER.__dict__, "cell": "bank"})
    assert row([inside], [of_bank]).status == "waived"
    assert row([FAULT], [of_bank]).count == 1


def test_a_waiver_that_covers_nothing_fails_a_clean_row():
    found = row([], [WAIVER])
    assert (found.status, found.count) == ("fail", 0)
    assert "covers no fault" in found.reason
    assert "drc_magic met1.2 in (0, 0, 5, 5) um" in found.reason


def test_waivers_of_other_checks_are_not_asked_for():
    other = Waiver(**{**WAIVER.__dict__, "check": "antenna"})
    assert row([], [other]).status == "pass"


def test_it_holds_on_its_last_day_and_not_after_it():
    assert expired([WAIVER], date(2030, 1, 1)) == []
    assert expired([WAIVER], date(2030, 1, 2)) == [WAIVER]


def test_markers_show_every_fault_with_its_cell_and_place(tmp_path):
    everywhere = Fault(
        "m1.pd", "chip", (-math.inf, -math.inf, math.inf, math.inf), "polygon of the whole chip"
    )
    write_markers(tmp_path / "m.lyrdb", "chip", [FAULT, everywhere], about="a test")
    found = parse_report(tmp_path / "m.lyrdb").faults
    assert [(f.rule, f.cell, f.box) for f in found] == [
        ("met1.2", "chip", FAULT.box),
        ("m1.pd", "chip", everywhere.box),
    ]
