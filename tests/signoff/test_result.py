"""Rows of a chain of dies from those of its dies."""

import pytest

from signoff.result import CheckResult, of_dies


def row(status, count=0, detail="all", name="a"):
    return CheckResult(name, "tool", "1", count, 0, status, detail=detail)


def test_a_single_die_keeps_its_rows():
    rows = [row("pass"), row("fail", 2, "two", "b")]
    assert of_dies([rows]) == rows


def test_a_chain_is_as_good_as_its_worst_die():
    ((both),) = of_dies([[row("pass")], [row("fail", 2, "at 1, 2")]])
    assert (both.status, both.count, both.detail) == ("fail", 2, "die 1 of 2: at 1, 2")
    ((lacking),) = of_dies([[row("pass")], [CheckResult.not_run("a", "no tool")]])
    assert (lacking.status, lacking.count, lacking.reason) == ("not run", None, "die 1 of 2: no tool")
    ((worst),) = of_dies([[row("fail", 3)], [CheckResult.not_run("a", "no tool")]])
    assert (worst.status, worst.count) == ("fail", 3)


def test_a_chain_that_passes_says_that_all_dies_do():
    ((both),) = of_dies([[row("pass")], [row("pass")]])
    assert (both.status, both.count, both.detail) == ("pass", 0, "each of 2 dies: all")


def test_rows_that_do_not_belong_together_are_refused():
    with pytest.raises(ValueError, match="a, b"):
        of_dies([[row("pass")], [row("pass", name="b")]])
    with pytest.raises(ValueError, match="shorter"):
        of_dies([[row("pass")], []])
