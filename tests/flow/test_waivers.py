"""The file of waivers: every mistake in it is named, and what it says reaches the steps and their keys."""

from dataclasses import replace
from datetime import date

import pytest

from flow.keys import step_key
from flow.pdk.files import PdkFiles
from flow.request import BuildConfig, Run, load_run
from flow.waivers import load_waivers
from rtl_gen.errors import ExitCode, FlowError

GOOD = """
waivers:
  - check: antenna
    rule: met3
    region: [100, 200, 110, 400.5]
    reason: bit line 17 has few vias in this model
    expires: 2030-01-01
"""
DAY = date(2029, 12, 31)


def load(tmp_path, text, day=DAY):
    (tmp_path / "waivers.yaml").write_text(text)
    return load_waivers(tmp_path / "waivers.yaml", day)


def test_a_file_is_read(tmp_path):
    (waiver,) = load(tmp_path, GOOD)
    assert (waiver.check, waiver.rule, waiver.region, waiver.cell) == (
        "antenna", "met3", (100.0, 200.0, 110.0, 400.5), "",
    )  # fmt: skip
    assert waiver.expires == date(2030, 1, 1)


@pytest.mark.parametrize(
    ("was", "becomes", "told"),
    [
        ("check: antenna", "check: lvs", r"waivers\[0\].check is .*expected one of 'drc_magic'"),
        ("reason:", "because:", r"field waivers\[0\].because is .*known: check, rule"),
        ("reason: bit line 17 has few vias in this model", "reason: '  '", r"waivers\[0\].reason"),
        ("[100, 200,", "[100, 500,", r"waivers\[0\].region is .*bottom <= top"),
        ("[100, 200,", "[.nan, 200,", r"waivers\[0\].region\[0\]"),
        ("400.5]", "]", r"waivers\[0\].region"),
        ("2030-01-01", "soon", r"waivers\[0\].expires"),
        ("waivers:", "- x\nwaivers:", "not YAML"),
        (GOOD, "", "the file"),
        (GOOD, "waivers: []", "waivers is "),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path, was, becomes, told):
    with pytest.raises(FlowError, match=told) as found:
        load(tmp_path, GOOD.replace(was, becomes))
    assert found.value.code == ExitCode.BAD_INPUT


def test_an_expired_waiver_stops_the_build_before_it_starts(tmp_path):
    with pytest.raises(FlowError, match=r"expired: antenna met3 .* on 2030-01-01"):
        load(tmp_path, GOOD, date(2030, 1, 2))


def test_a_missing_file_is_one_message(tmp_path):
    with pytest.raises(FlowError):
        load_waivers(tmp_path / "none.yaml")


def test_waivers_come_back_from_the_description_of_a_run(tmp_path):
    config = BuildConfig("m", "", "", waivers=load(tmp_path, GOOD))
    run = Run(config, PdkFiles("sky130", {}, {}, {}, {}, {}), tmp_path, {})
    run.save()
    assert load_run(run.file).config == config


def test_a_change_of_a_waiver_changes_a_key(tmp_path):
    (waiver,) = load(tmp_path, GOOD)

    def key(waivers):
        return step_key("s", code="", config={"waivers": waivers}, inputs={}, tools={}, pdk={})

    later = replace(waiver, expires=date(2031, 1, 1))
    assert len({key(()), key((waiver,)), key((later,))}) == 3
