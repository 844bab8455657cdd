import subprocess
from dataclasses import replace
from pathlib import Path

import klayout.db as db
import pytest

from base_chip.pdk import load_pdk
from rtl_gen.errors import ExitCode
from rtl_gen.tools import TOOLS, Tool
from signoff import drc_klayout, drc_magic
from signoff.controls import KLAYOUT_ERRORS, MAGIC_ERRORS, control_of, control_result, missed, plant
from signoff.eda import MAGIC, Eda
from signoff.result import CheckResult

LYRDB = """<?xml version="1.0" encoding="utf-8"?>
<report-database><top-cell>t</top-cell>
 <categories><category><name>m1.x</name></category><category><name>MR_met1.SP.1</name></category></categories>
 <items>{}</items>
</report-database>"""
ITEM = (
    "<item><category>'MR_met1.SP.1'</category><multiplicity>{}</multiplicity>"
    "<values><value>edge-pair: (0,0;0,1)|(1,1;1,0)</value></values></item>"
)
TOOL = Tool("sh", "sh", ("-c", "echo sh 1.2"), r"sh ([\d.]+)", "apt-get install dash", "tests", False)
SHELL = Eda("Shell", TOOL, ("oops",))


def test_klayout_report_is_counted_by_rule(tmp_path):
    path = tmp_path / "r.lyrdb"
    path.write_text(LYRDB.format(ITEM.format(1) + ITEM.format(3)))
    found = drc_klayout.parse_report(path)
    assert found.counts == {"MR_met1.SP.1": 4}
    assert (found.total, found.rules) == (4, 2)
    assert str(found) == "4 x MR_met1.SP.1 at edge-pair: (0,0;0,1)|(1,1;1,0)"


def test_clean_klayout_report_has_rules_and_no_items(tmp_path):
    path = tmp_path / "r.lyrdb"
    path.write_text(LYRDB.format(""))
    assert drc_klayout.parse_report(path).total == 0


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        LYRDB.format("")[:-30],
        "<report-database><categories/><items/></report-database>",
    ],
    ids=["missing", "empty", "cut short", "no rules"],
)
def test_klayout_report_that_proves_nothing_is_refused(tmp_path, text):
    path = tmp_path / "r.lyrdb"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ValueError, match="report database"):
        drc_klayout.parse_report(path)


def test_magic_report_is_counted_by_rule(tmp_path):
    path = tmp_path / "r.txt"
    path.write_text(
        "0.1\t0.2\t0.3\t0.4\ttop\tMetal1 spacing (met1.2)\n"
        "1\t1\t2\t2\tbank\tMetal1 spacing (met1.2)\nend\t2\t3\n"
    )
    faults = drc_magic.parse_report(path)
    found = drc_magic.violations(faults + faults[:1])  # a fault that two windows list
    assert found.counts == {"Metal1 spacing (met1.2)": 2}
    assert str(found) == "2 x Metal1 spacing (met1.2) at (0.1, 0.2, 0.3, 0.4) um of top"


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "0\t0\t1\t1\ta\tx\n",
        "0\t0\t1\t1\ta\tx\nend\t2\t1\n",
        "0\t0\tx\nend\t1\t1\n",
        "end\n",
        "end\t0\t0\n",
    ],
    ids=["missing", "empty", "cut short", "wrong count", "bad line", "no count", "no cell"],
)
def test_magic_report_that_proves_nothing_is_refused(tmp_path, text):
    path = tmp_path / "r.txt"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ValueError, match="report"):
        drc_magic.parse_report(path)


def test_a_control_passes_only_if_every_error_was_found():
    run = ("drc_magic_control", "Magic", "1")
    found = ["Metal3 overlap of via2 (met3.4)", "Metal1 spacing (met1.2)", "Metal2 spacing (met2.2)"]
    rest = control_result(*run, MAGIC_ERRORS, found)
    assert (rest.status, rest.count) == ("fail", 1)
    assert rest.reason == "not found: poly end 0.05 um over the gate"
    assert control_result(*run, MAGIC_ERRORS, [*found, "poly overhang (poly.8)"]).status == "pass"


def test_a_clean_report_finds_no_planted_error():
    assert len(missed(KLAYOUT_ERRORS, [])) == len(KLAYOUT_ERRORS)


@pytest.mark.parametrize(
    ("count", "status", "found", "control"),
    [(1, "fail", True, "pass"), (0, "pass", False, "fail"), (None, "not run", False, "not run")],
    ids=["found", "not found", "no tool"],
)
def test_a_control_turns_the_row_round(count, status, found, control):
    run = CheckResult("density", "KLayout", "1", count, 0, status, "" if count is not None else "crashed")
    row = control_of(run, "a plate", found)
    assert (row.name, row.status) == ("density_control", control)
    assert row.status == "pass" or row.reason


def test_errors_are_planted_in_a_copy(tmp_path):
    source = db.Layout()
    pdk = load_pdk("sky130")
    source.create_cell("t").shapes(source.layer(*pdk.layers["met3"])).insert(db.Box(0, 0, 1000, 1000))
    source.write(str(tmp_path / "a.gds"))
    plant(tmp_path / "a.gds", "t", tmp_path / "b.gds", KLAYOUT_ERRORS, (500, 500), pdk.layers)
    copy = db.Layout()
    copy.read(str(tmp_path / "b.gds"))
    via2 = db.Region(copy.cell("t").shapes(copy.layer(*pdk.layers["via2"]))).bbox()
    assert via2 == db.Box(600, 400, 800, 600)
    assert copy.cell("t").bbox().right > 10_000


def test_a_missing_tool_is_not_run_and_names_its_package(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    for check, tool in (
        (drc_klayout.run(Path("a.gds"), "t", Path("deck"), tmp_path), "klayout"),
        (drc_magic.run(Path("a.gds"), "t", Path("tech"), tmp_path), "magic"),
    ):
        assert (check.status, check.count) == ("not run", None)
        assert check.reason == f"{tool} is not on PATH. Run: {TOOLS[tool].fix}"


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        ("echo fine", ""),
        ("exit 3", "sh ended with status 3"),
        ("echo oops, all is lost", "sh reported: oops, all is lost"),
        ("sleep 30", "killed after 0.2 s"),
        ("kill -9 $$", "sh was ended by SIGKILL"),
        ("echo oops; kill -SEGV $$", "sh was ended by SIGSEGV"),
        ("sh -c 'kill -9 $$'; exit $?", "sh was ended by SIGKILL"),  # a shell script around the tool
        ("exit 255", "sh ended with status 255"),
    ],
)
def test_a_run_is_trusted_only_if_the_tool_ended_well(tmp_path, command, fault):
    assert SHELL.run(["-c", command], tmp_path, 0.2).fault == fault
    assert (tmp_path / "sh.log").exists()


def test_a_killed_tool_takes_its_children_along(tmp_path):
    SHELL.run(["-c", "sleep 987 & sleep 987"], tmp_path, 0.2)
    left = subprocess.run(["pgrep", "-f", "^sleep 987$"], capture_output=True, text=True)
    assert left.stdout == ""


def test_versions_are_recorded():
    assert SHELL.version() == "1.2"


def test_what_a_tool_could_not_do_is_an_error_and_no_row(tmp_path):
    error = MAGIC.failed("why", tmp_path)
    assert (error.what, error.where, error.code) == ("why", "Magic", ExitCode.TOOL_FAILED)
    assert error.hint == ""
    SHELL.run(["-c", "echo what it said"], tmp_path, 5)
    assert SHELL.failed("why", tmp_path).hint == f"What it printed is in {tmp_path / 'sh.log'}"


def test_a_tool_that_cannot_be_started_is_a_fault(tmp_path, monkeypatch):
    (tmp_path / "broken").write_text("#!/no/such/interpreter\n")
    (tmp_path / "broken").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = replace(SHELL, tool=replace(TOOL, exe="broken")).run([], tmp_path, 5)
    assert found.fault.startswith("broken cannot be started (No such file or directory")


def test_a_tool_found_by_a_relative_path_runs_in_another_folder(tmp_path, monkeypatch):
    (tmp_path / "bin").mkdir()
    (tmp_path / "work").mkdir()
    (tmp_path / "bin" / "tool").write_text("#!/bin/sh\necho here\n")
    (tmp_path / "bin" / "tool").chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "bin:/usr/bin:/bin")
    found = replace(SHELL, tool=replace(TOOL, exe="tool")).run([], tmp_path / "work", 5)
    assert (found.log, found.fault) == ("here\n", "")


def test_files_from_elsewhere_have_plain_names_in_the_folder_of_a_run(tmp_path):
    place, work = tmp_path / "a b \u00e9 {$[", tmp_path / "work"
    place.mkdir()
    work.mkdir()
    (place / "x y").write_text("one\n")
    for text in ("one\n", "two\n"):
        (place / "x y").write_text(text)
        assert SHELL.run(["-c", "cat plain"], work, 5, files={"plain": place / "x y"}).log == text
    (work / "own").write_text("mine\n")
    assert SHELL.run(["-c", "cat own"], work, 5, files={"own": work / "own"}).log == "mine\n"


def test_tools_write_numbers_with_a_point_and_names_in_utf8(tmp_path, monkeypatch):
    monkeypatch.setenv("LC_ALL", "de_DE")
    assert SHELL.run(["-c", "echo $LC_ALL"], tmp_path, 5).log == "C.UTF-8\n"
