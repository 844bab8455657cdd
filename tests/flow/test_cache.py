"""The step cache gives back what was stored, or says that it cannot."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flow.cache import CacheDamage, StepCache
from flow.keys import folder_files

folders = st.dictionaries(
    st.from_regex(r"[a-z]{1,3}(/[a-z]{4})?", fullmatch=True), st.binary(max_size=64), max_size=5
)


def fill(folder: Path, files: dict[str, bytes]) -> dict[str, str]:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder_files(folder)


@pytest.fixture
def stored(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    cache = StepCache(tmp_path / "c")
    cache.store("key", source, fill(source, {"a": b"one", "d/b": b"two"}))
    return cache, tmp_path / "c"


@settings(max_examples=30, deadline=None)
@given(folders)
def test_restore_gives_what_was_stored(files):
    files = {n: d for n, d in files.items() if not any(o.startswith(n + "/") for o in files)}
    with tempfile.TemporaryDirectory() as temp:
        source, target = Path(temp, "s"), Path(temp, "t")
        source.mkdir()
        target.mkdir()
        cache = StepCache(Path(temp, "c"))
        hashes = fill(source, files)
        cache.store("k", source, hashes)
        assert cache.restore("k", target)
        assert folder_files(target) == hashes


def test_unknown_key_is_not_there(stored, tmp_path):
    assert not stored[0].restore("other", tmp_path)


@pytest.mark.parametrize("how", ["flip", "cut", "remove"])
def test_a_damaged_blob_is_found_and_the_entry_forgotten(stored, tmp_path, how):
    cache, root = stored
    blob = max((root / "blobs").iterdir())
    if how == "flip":
        blob.write_bytes(b"x" + blob.read_bytes()[1:])
    elif how == "cut":
        blob.write_bytes(b"")
    else:
        blob.unlink()
    target = tmp_path / "t"
    target.mkdir()
    with pytest.raises(CacheDamage):
        cache.restore("key", target)
    assert not cache.restore("key", target)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": "other", "files": {}}', '{"format": 1}'])
def test_a_damaged_entry_is_found_and_forgotten(stored, tmp_path, text):
    cache, root = stored
    (root / "steps" / "key.json").write_text(text)
    with pytest.raises(CacheDamage):
        cache.restore("key", tmp_path)
    assert not cache.restore("key", tmp_path)


def test_storing_again_mends_a_damaged_blob(stored, tmp_path):
    cache, root = stored
    for blob in (root / "blobs").iterdir():
        blob.write_bytes(b"junk")
    source = tmp_path / "source"
    cache.store("key", source, folder_files(source))
    target = tmp_path / "t"
    target.mkdir()
    assert cache.restore("key", target)
    assert (target / "d" / "b").read_bytes() == b"two"
