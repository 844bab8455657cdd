"""The text that the story model learns: Jane Austen's novels, which are in the public domain.

Debian's package `r-cran-janeaustenr` carries six of them from Project Gutenberg, as R stores vectors of
strings. No R is needed: `apt-get download r-cran-janeaustenr`, `dpkg -x r-cran-janeaustenr_*.deb FOLDER`.
"""

__all__ = ["DATA", "read", "split"]

import re
import struct
import zlib
from pathlib import Path

from rtl_gen.errors import ExitCode, FlowError

DATA = Path("usr/lib/R/site-library/janeaustenr/data/Rdata.rdb")
LONGEST = 500  # characters of a text: a run of whole sentences
HELD_OUT = 0.03  # of each book, its end
HINT = "On Debian: apt-get download r-cran-janeaustenr; dpkg -x r-cran-janeaustenr_*.deb FOLDER"
STRINGS, STRING = 16, 9  # R's types of a vector of strings and of one string
SENTENCE = re.compile(r"""(?<=[.!?]) +|(?<=[.!?]["']) +""")


def read(folder: Path) -> list[list[str]]:
    """The books in the order of the package, each as texts of whole sentences, headings left out.

    Args:
        folder: Where the Debian package was unpacked.

    Raises:
        FlowError: It is not there, or its data is not as expected.
    """
    path = folder / DATA
    try:
        data = path.read_bytes()
    except OSError as e:
        raise FlowError(
            f"cannot be read ({e.strerror})", where=str(path), code=ExitCode.MISSING_TOOL, hint=HINT
        ) from e
    try:
        return [_texts(_strings(book)) for book in _chunks(data)]
    except (zlib.error, struct.error, UnicodeDecodeError, ValueError) as e:
        raise FlowError(f"not R's data as expected ({e})", where=str(path), hint=HINT) from e


def split(books: list[list[str]]) -> tuple[list[str], list[str]]:
    """(train, held out): the end of each book is held out."""
    ends = [len(b) - round(len(b) * HELD_OUT) for b in books]
    pairs = list(zip(books, ends, strict=True))
    return [t for b, end in pairs for t in b[:end]], [t for b, end in pairs for t in b[end:]]


def _chunks(data: bytes) -> list[bytes]:
    """The objects of a lazy-load database: each is the length it unpacks to, and a zlib stream."""
    out = []
    while data:
        (size,) = struct.unpack_from(">I", data)
        stream = zlib.decompressobj()
        out.append(stream.decompress(data[4:]))
        if len(out[-1]) != size:
            raise ValueError(f"an object of {len(out[-1])} bytes, expected {size}")
        data = stream.unused_data
    return out


def _strings(book: bytes) -> list[str]:
    """The strings of one serialised vector (R Internals, "Serialization Formats", version 3)."""
    (name,) = struct.unpack_from(">I", book, 14)  # after "X\n" and three versions: the encoding's name
    at = 18 + name
    kind, count = struct.unpack_from(">2I", book, at)
    if kind & 255 != STRINGS:
        raise ValueError(f"type {kind & 255}, expected {STRINGS}")
    at, out = at + 8, []
    for _ in range(count):
        kind, size = struct.unpack_from(">2I", book, at)
        if kind & 255 != STRING:
            raise ValueError(f"type {kind & 255}, expected {STRING}")
        out.append(book[at + 8 : at + 8 + size].decode("utf-8"))
        at += 8 + size
    return out


def _texts(lines: list[str]) -> list[str]:
    paragraphs = [" ".join(p.split()) for p in "\n".join(lines).split("\n\n")]
    prose = [p.replace("_", "") for p in paragraphs if len(p) > 40 and p.isascii() and not p.isupper()]
    out: list[str] = []
    text = ""
    for sentence in SENTENCE.split(" ".join(prose)):
        if text and len(text) + len(sentence) >= LONGEST:
            out.append(text)
            text = ""
        text = f"{text} {sentence}".strip()
    return [*out, text] if text else out
