"""Names, kinds of file and sizes that come from a cache, an artifact, a wheel or a kit."""

import json
import lzma
import os
import shutil
import socket
import zipfile
from pathlib import Path

import pytest

from base_chip.harden.artifact import HardenedTile
from base_chip.pdk import Wheel, load_pdk
from flow.cache import CacheDamage, StepCache
from flow.files import sha256_bytes, sha256_file
from flow.keys import folder_files
from flow.lock import build_lock
from flow.pdk.kit import MANIFEST, kit_root, verify_kit
from flow.tasks.step import Result
from flow.wheels import pinned, unpack
from rtl_gen.errors import ExitCode, FlowError, printable
from rtl_gen.untrusted import checked_file, open_file, read_file, relative_name, sha256_name

BAD_NAMES = [
    "../x", "/x", "a/../../x", "a/..", "..", ".", "", "a//b", "./a", "a/", "a\0b", "a\nb", "\x1b[2Ja",
    "a\\..\\b",    "\u202ea", "x" * 2000, None, 7, ["a"],
]  # fmt: skip


@pytest.mark.parametrize("name", BAD_NAMES, ids=lambda n: repr(n)[:20])
def test_a_name_stays_below_its_folder(name):
    with pytest.raises(FlowError) as e:
        relative_name(name, "m.json")
    assert e.value.where == "m.json"
    assert str(e.value).replace("\n", "").isprintable()


def test_names_that_stay_are_kept():
    for name in ("a", "a/b.txt", ".hidden", "é/ü.gds", "..a", "a..b/c"):
        assert relative_name(name, "") == name


@pytest.mark.parametrize("digest", ["", "..", "../" + "a" * 61, "A" * 64, "a" * 63, None, "a" * 64 + "\n"])
def test_a_hash_is_a_hash(digest):
    with pytest.raises(FlowError):
        sha256_name(digest, "")


def special(folder: Path, kind: str) -> Path:
    path = folder / "special"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as s:
            here = os.getcwd()
            os.chdir(folder)  # the name of a socket is short
            s.bind(path.name)
            os.chdir(here)
    else:
        path.symlink_to(kind)
    return path


@pytest.mark.parametrize("kind", ["pipe", "folder", "socket", "/dev/zero", "/dev/full", "/dev/tty"])
def test_what_is_no_regular_file_is_refused_by_name(tmp_path, kind):
    path = special(tmp_path, kind)
    for read in (checked_file, lambda p: read_file(p, 10)):
        with pytest.raises(FlowError, match=r"is a (named pipe|folder|socket|device), expected a file") as e:
            read(path)
        assert e.value.where == str(path)
    if kind not in ("socket", "/dev/tty"):
        for read in (open_file, sha256_file):
            with pytest.raises((FlowError, IsADirectoryError)):
                read(path)


def test_a_file_larger_than_it_may_be_is_not_read(tmp_path):
    path = tmp_path / "f"
    with path.open("wb") as f:
        f.truncate(1 << 40)
    with pytest.raises(FlowError, match="has 1099511627776 bytes, expected at most 100"):
        read_file(path, 100)
    assert read_file(Path(__file__), 1 << 20).startswith(b'"""Names')


@pytest.fixture
def stored(tmp_path: Path) -> tuple[StepCache, Path]:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a").write_text("content")
    cache = StepCache(tmp_path / "c")
    cache.store("key", source, folder_files(source))
    return cache, tmp_path / "c"


@pytest.mark.parametrize("name", [n for n in BAD_NAMES if isinstance(n, str)], ids=lambda n: repr(n)[:20])
def test_an_entry_of_the_cache_writes_nowhere_else(stored, tmp_path, name):
    cache, root = stored
    entry = json.loads((root / "steps" / "key.json").read_bytes())
    entry["files"] = {"a": entry["files"]["a"], name: entry["files"]["a"]}
    (root / "steps" / "key.json").write_text(json.dumps(entry))
    target = tmp_path / "deep" / "target"
    target.mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(CacheDamage):
        cache.restore("key", target)
    assert [p for p in sorted(tmp_path.rglob("*")) if p not in before] == []
    assert not cache.restore("key", target)


def test_an_entry_of_the_cache_reads_nowhere_else(stored, tmp_path):
    cache, root = stored
    (tmp_path / "secret").write_text("content")
    (root / "steps" / "key.json").write_text(
        json.dumps({"format": "sc-flow-cache-1", "files": {"a": "../../secret"}})
    )
    with pytest.raises(CacheDamage):
        cache.restore("key", tmp_path / "source")
    assert (tmp_path / "secret").exists()


@pytest.mark.parametrize("kind", ["pipe", "folder", "/dev/zero"])
@pytest.mark.parametrize("where", ["steps", "blobs"])
def test_a_cache_of_pipes_and_devices_holds_nobody_up(stored, tmp_path, kind, where):
    cache, root = stored
    path = next((root / where).iterdir())
    path.unlink()
    special(tmp_path, kind).rename(path)
    target = tmp_path / "target"
    target.mkdir()
    with pytest.raises(CacheDamage):
        cache.restore("key", target)


GOOD = {"checks": [], "metrics": {"a_um2": 1.5}, "text": ["t"], "tokens_equal": None, "note": "n"}
RECORD = {"key": "k", "files": {"a": "0" * 64}}
CHECK = {
    "name": "drc", "tool": "t", "version": "1", "count": 0, "limit": 0, "status": "pass", "reason": "",
    "detail": "",
}  # fmt: skip


@pytest.mark.parametrize(
    "result",
    [
        None, [], 3, GOOD | {"note": 3}, GOOD | {"text": [None]},
        GOOD | {"metrics": {"a": "1"}}, GOOD | {"metrics": {"a": float("nan")}}, GOOD | {"metrics": []},
        GOOD | {"tokens_equal": "yes"},
        GOOD | {"checks": [CHECK | {"status": "fine"}]}, GOOD | {"checks": [CHECK | {"count": "0"}]},
        GOOD | {"checks": [{"name": "drc"}]}, GOOD | {"checks": [CHECK | {"reason": ["x"]}]},
    ],
)  # fmt: skip
def test_a_result_that_no_step_wrote_is_not_reused(tmp_path, result):
    path = tmp_path / "step.json"
    path.write_text(json.dumps(RECORD | {"result": GOOD | {"checks": [CHECK]}}))
    assert Result.read(path).checks[0].name == "drc"
    path.write_text(json.dumps(RECORD | {"result": result}))
    with pytest.raises(CacheDamage):
        Result.read(path)
    path.write_text("[" * 100_000)
    with pytest.raises(CacheDamage):
        Result.read(path)


@pytest.mark.parametrize("name", ["../x.txt", "/tmp/x.txt", "a/../../x.txt", "\x1b[2J.txt"])
def test_a_wheel_unpacks_below_its_folder(tmp_path, name):
    path = tmp_path / "w.whl"
    with zipfile.ZipFile(path, "w") as z:
        z.writestr("fine.txt", "1")
        z.writestr(name, "2")
    wheel = Wheel("w", "1", sha256_file(path), ("*.txt",))
    root = tmp_path / "root"
    root.mkdir()
    with pytest.raises(FlowError, match="expected one below its folder"):
        unpack(wheel, path, root)
    assert not (tmp_path / "x.txt").exists()


def test_a_member_that_claims_too_much_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr("flow.wheels.LARGEST_MEMBER", 10)
    path = tmp_path / "w.whl"
    with zipfile.ZipFile(path, "w") as z:
        z.writestr("a.txt", "12345678901")
    with pytest.raises(FlowError, match=r"a\.txt has 11 bytes, expected at most 10"):
        unpack(Wheel("w", "1", "", ("*.txt",)), path, tmp_path)


def test_a_wheel_that_is_a_pipe_holds_nobody_up(tmp_path):
    os.mkfifo(tmp_path / "w-1-py3-none-any.whl")
    with pytest.raises(FlowError, match="is a named pipe"):
        pinned(Wheel("w", "1", "0" * 64, ("*",)), tmp_path)


@pytest.mark.parametrize(
    "files",
    [
        {"../x": ["0" * 64, 1]}, {"x": ["..", 1]}, {"x": ["0" * 64, -1]}, {"x": ["0" * 64, "1"]},
        {"x": [1]}, [], 3,
    ],
)  # fmt: skip
def test_the_manifest_of_a_kit_is_checked(fake_kit, files):
    fake_kit()
    pdk = load_pdk("sky130")
    path = kit_root(pdk) / MANIFEST
    data = json.loads(path.read_bytes())
    assert verify_kit(pdk) == []
    path.write_text(json.dumps(data | {"files": files}))
    assert [d.path for d in verify_kit(pdk)] == [MANIFEST]


def test_a_kit_with_a_pipe_in_it_holds_nobody_up(fake_kit):
    fake_kit()
    pdk = load_pdk("sky130")
    path = next(kit_root(pdk).rglob("*.tech"))
    path.unlink()
    os.mkfifo(path)
    assert ["named pipe" in d.fault for d in verify_kit(pdk)] == [True]


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    shutil.copytree(HardenedTile.home("ram"), tmp_path / "ram")
    return tmp_path / "ram"


@pytest.mark.parametrize(
    "change",
    [
        {"files": {"../x": "0" * 64}}, {"files": 3}, {"tools": {"openroad": 3}}, {"tools": None},
        {"pdk": ["x"]},        {"made_from": {"rtl": "", "else": ""}}, {"format": 2},
    ],
)  # fmt: skip
def test_the_manifest_of_an_artifact_is_checked(artifact, change):
    path = artifact / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()) | change))
    with pytest.raises(FlowError, match="the manifest of the hardened tile is damaged"):
        HardenedTile.read(artifact, "ram")


@pytest.mark.parametrize("kind", ["pipe", "folder", "/dev/zero"])
@pytest.mark.parametrize("name", ["manifest.json", "netlist.v.xz"])
def test_an_artifact_of_pipes_and_devices_holds_nobody_up(artifact, tmp_path, kind, name):
    (artifact / name).unlink()
    special(tmp_path, kind).rename(artifact / name)
    with pytest.raises(FlowError, match="damaged"):
        HardenedTile.read(artifact, "ram").content("netlist.v")


def test_an_artifact_that_unpacks_to_more_than_it_may_is_refused(artifact, monkeypatch):
    monkeypatch.setattr("base_chip.harden.artifact.LARGEST_FILE", 1 << 24)
    found = HardenedTile.read(artifact, "ram")
    assert sha256_bytes(found.content("netlist.v")) == found.sums["netlist.v"]
    (artifact / "netlist.v.xz").write_bytes(lzma.compress(bytes(1 << 26)))
    with pytest.raises(FlowError, match="unpacks to more"):
        found.content("netlist.v")


def test_a_lock_that_is_a_link_is_not_followed(tmp_path):
    (tmp_path / "mine").write_text("precious")
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / ".lock").symlink_to(tmp_path / "mine")
    with pytest.raises(FlowError) as e, build_lock(tmp_path / "build"):
        pass
    assert e.value.code == ExitCode.OUTPUT
    assert (tmp_path / "mine").read_text() == "precious"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 中 Zoë", "plain é 中 Zoë"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("a\r\nb\tc\x07\x7f\x9b", "a\\r\\nb\\tc\\x07\\x7f\\x9b"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("\udcff", "\\udcff"),
        ("\u2028", "\\u2028"),
    ],
)
def test_control_characters_are_escaped(text, shown):
    assert printable(text) == shown
    error = FlowError(text, where=text, hint=text.replace("\n", ""))
    assert str(error).split("\n")[0] == f"{shown}: {shown}"
    assert "\x1b" not in str(error)


def test_lines_may_be_kept():
    assert printable("a\nb\x1b", keep="\n") == "a\nb\\x1b"
