"""What tools said is kept, and told apart by the folders that they ran in."""

import gzip

from flow.evidence import EVIDENCE, keep_evidence, of_row, of_step


def test_logs_reports_and_markers_are_kept_and_nothing_else(tmp_path):
    scratch, out = tmp_path / "scratch", tmp_path / "out"
    for name in ("drc/klayout.log", "drc/drc.lyrdb", "control/report.txt", "drc/chip.gds", "notes.txt"):
        (scratch / name).parent.mkdir(parents=True, exist_ok=True)
        (scratch / name).write_text(name)
    (scratch / "link.log").symlink_to("/etc/hostname")
    keep_evidence(scratch, out)
    kept = sorted(p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file())
    assert kept == [f"{EVIDENCE}/{n}" for n in ("control/report.txt", "drc/drc.lyrdb", "drc/klayout.log")]


def test_a_long_log_is_compressed_to_the_same_bytes_each_time(tmp_path):
    (tmp_path / "scratch").mkdir()
    (tmp_path / "scratch" / "magic.log").write_bytes(b"x" * 200_000)
    for out in ("one", "two"):
        keep_evidence(tmp_path / "scratch", tmp_path / out)
    one, two = (tmp_path / out / EVIDENCE / "magic.log.gz" for out in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    assert gzip.decompress(one.read_bytes()) == b"x" * 200_000


def test_a_control_has_its_own():
    files = ["drc/evidence/drc/magic.log", "drc/evidence/control/magic.log"]
    assert of_row("drc_magic", files) == (files[0],)
    assert of_row("drc_magic_control", files) == (files[1],)
    assert of_row("sta_control", ["sta/evidence/sta.log"]) == ("sta/evidence/sta.log",)
    assert of_row("readback", []) == ()


def test_a_row_that_files_are_called_by_has_these_alone():
    files = [
        f"supplies/evidence/{kind}/supplies{end}.rpt" for kind in ("ram", "rom") for end in ("", "_control")
    ]
    assert of_row("rom_supplies", files) == (files[2],)
    assert of_row("rom_supplies_control", files) == (files[3],)
    files = [f"seams/evidence/seams/{n}" for n in ("drc/seam_drc_magic/part0/magic.log", "lvs/seam_lvs.rpt")]
    assert [of_row(n, files) for n in ("seam_drc_magic", "seam_lvs")] == [(files[0],), (files[1],)]
    assert of_row("seam_sta_slow", files) == tuple(sorted(files))


def test_a_row_without_a_tool_rests_on_the_outputs_of_its_step():
    record = {"evidence": {}, "files": {"bank0.hex": "ab"}, "result": {"checks": [{"name": "readback"}]}}
    assert of_step(record) == {"bank0.hex": "ab"}
    assert of_step(record | {"evidence": {"evidence/a.log": "cd"}}) == {"evidence/a.log": "cd"}
    assert of_step(record | {"result": {"checks": []}}) == {}
