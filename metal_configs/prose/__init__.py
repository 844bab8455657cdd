"""English prose to calibrate and to measure on, for models that bring no text of their own.

Paragraphs of SQLite's documentation, which its authors have put in the public domain; LICENSE.txt says where
it comes from. Calibration and held-out text come from different pages.
"""

__all__ = ["CALIBRATION_PAGES", "HELDOUT_PAGES", "LONGEST", "lines", "make"]

import html
import re
from pathlib import Path

from rtl_gen.errors import ExitCode, FlowError

HERE = Path(__file__).parent
DOCUMENTATION = Path("/usr/share/doc/sqlite3")  # of Debian's package sqlite3-doc
CALIBRATION_PAGES = (
    "arch", "about", "atomiccommit", "howtocorrupt", "whentouse", "testing", "isolation", "appfileformat",
    "opcode", "privatebranch", "quirks", "vdbe",
)  # fmt: skip
HELDOUT_PAGES = (
    "whyc", "malloc", "np1queryprob", "queryplanner", "fasterthanfs", "nulls", "rtree", "lockingv3",
    "selfcontained", "wal", "flextypegood", "limits",
)  # fmt: skip
LONGEST = 2000  # characters of a line, which is a run of paragraphs
LEAST_LINE, LEAST_PARAGRAPH = 600, 180


def lines(name: str) -> list[str]:
    """The lines of `calibration` or `heldout`, the notes left out."""
    text = (HERE / f"{name}.txt").read_text("utf-8")
    return [x for x in text.splitlines() if x and not x.startswith("#")]


def make(documentation: Path = DOCUMENTATION) -> dict[str, str]:
    """Both files, made again from the documentation."""
    parts = {"calibration": (CALIBRATION_PAGES, 3), "heldout": (HELDOUT_PAGES, 2)}
    out = {}
    for name, (pages, most) in parts.items():
        found = [line for page in pages for line in _lines(documentation / f"{page}.html")[:most]]
        note = f"# {len(found)} lines of SQLite's documentation, in the public domain; see LICENSE.txt\n"
        out[name] = note + "\n".join(found) + "\n"
    return out


def _lines(page: Path) -> list[str]:
    try:
        text = page.read_text("utf-8", "replace")
    except OSError as e:
        raise FlowError(
            f"cannot be read ({e.strerror})", where=str(page), code=ExitCode.MISSING_TOOL,
            hint="On Debian or Ubuntu: apt-get install sqlite3-doc",
        ) from e  # fmt: skip
    out, line = [], ""
    for paragraph in _paragraphs(text):
        if line and len(line) + len(paragraph) > LONGEST:
            out.append(line)
            line = ""
        line = f"{line} {paragraph}".strip()
    return [*out, line] if len(line) > LEAST_LINE else out


def _paragraphs(text: str) -> list[str]:
    """Whole sentences in ASCII; tables, code and lists of names are left out."""
    text = re.sub(r"(?s)<(script|style|pre|table|blockquote|svg)\b.*?</\1>", " ", text)
    out = []
    for part in re.split(r"(?i)</?(?:p|h\d|li|ul|ol|div)\b[^>]*>", text):
        plain = re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", "", part))).strip()
        if len(plain) >= LEAST_PARAGRAPH and plain[0].isupper() and plain[-1] in ".!?" and plain.isascii():
            out.append(plain)
    return out
