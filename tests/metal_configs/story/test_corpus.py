"""The text of the story model: R's data, read without R."""

import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metal_configs.story import corpus
from rtl_gen.errors import ExitCode, FlowError

BOOK = ["THE TITLE OF A BOOK WHICH IS PRINTED IN CAPITALS", "", "CHAPTER I", ""] + [
    line
    for n in range(40)
    for line in (f"It was a _fine_ day, number {n},", f'and "so it was." Mr. No. {n} agreed!  All did.', "")
]


def vector(strings: list[str]) -> bytes:
    """A vector of strings as R serialises it, version 3."""
    out = (
        b"X\n" + struct.pack(">4I", 3, 0x40200, 0x30500, 5) + b"UTF-8" + struct.pack(">2I", 16, len(strings))
    )
    return out + b"".join(struct.pack(">2I", 0x40009, len(s)) + s.encode() for s in strings)


def write(folder: Path, books: list[list[str]]) -> Path:
    path = folder / corpus.DATA
    path.parent.mkdir(parents=True, exist_ok=True)
    raw = [vector(b) for b in books]
    path.write_bytes(b"".join(struct.pack(">I", len(r)) + zlib.compress(r) for r in raw))
    return path


def test_texts_are_whole_sentences_without_headings(tmp_path):
    write(tmp_path, [BOOK, BOOK[:40]])
    first, second = corpus.read(tmp_path)
    assert first[0].startswith('It was a fine day, number 0, and "so it was." Mr.')
    assert len(second) < len(first)
    assert all(t.endswith((".", "!")) and len(t) <= corpus.LONGEST for t in first)
    assert not any("CHAPTER" in t or "_" in t for t in first)
    assert " ".join(first).count("number") == 40
    train, held = corpus.split([list("a" * 100), list("b" * 300)])
    assert (train, held) == (list("a" * 97 + "b" * 291), list("a" * 3 + "b" * 9))


def test_data_that_is_missing_or_other(tmp_path):
    with pytest.raises(FlowError, match=r"cannot be read(.|\n)*apt-get download r-cran-janeaustenr") as e:
        corpus.read(tmp_path)
    assert e.value.code == ExitCode.MISSING_TOOL
    path = write(tmp_path, [BOOK])
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(FlowError, match="not R's data as expected"):
        corpus.read(tmp_path)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_fuzz(tmp_path, data):
    raw = bytearray(vector(BOOK[:20]))
    for at, value in data.draw(
        st.lists(st.tuples(st.integers(0, len(raw) - 1), st.integers(0, 255)), max_size=5)
    ):
        raw[at] = value
    write(tmp_path, []).write_bytes(struct.pack(">I", len(raw)) + zlib.compress(bytes(raw)))
    try:
        books = corpus.read(tmp_path)
    except FlowError:
        return
    assert all(isinstance(t, str) for t in books[0])
