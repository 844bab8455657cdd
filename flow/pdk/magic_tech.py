"""Fits a Magic technology file to an older Magic.

The sky130A file of the kit asks for Magic 8.3.411; Debian 12 has 8.3.105. What is new in the file lies
in the `version` and `extract` sections, so each such statement is rewritten or left out by a rule below,
and the design rules (`drc`, `cifinput`, `cifoutput`) stay as they are, byte for byte. What LVS loses are
devices told apart by their size, none of which the flow draws except transistors under 0.42 um wide:
signoff renames those.
"""

__all__ = ["RULES", "Edit", "Rule", "adapt", "tech_for_magic"]

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from flow.files import atomic_write, cache_root, disk_faults, sha256_bytes
from rtl_gen.errors import FlowError


@dataclass(frozen=True)
class Rule:
    """What to do with the statements of one section that match.

    Attributes:
        rewrite: Gives the new statement, or None to leave it out.
    """

    section: str
    pattern: re.Pattern[str]
    rewrite: Callable[[str], str | None]
    why: str


@dataclass(frozen=True)
class Edit:
    """One statement that was changed: its first line (from 1), the old text, and the new."""

    line: int
    old: str
    new: str | None


_SIZE_LIMIT = r"\b(?:a1|w|l)[<>]\S+"

RULES = (
    Rule(
        "extract",
        re.compile(r"\s*fringeshieldhalo\b"),
        lambda s: None,
        "halo of fringe shielding: unknown to it, and used for parasitics alone",
    ),
    Rule(
        "extract",
        re.compile(r"\s*defaultsidewall\b(?:\s+\S+){4}"),
        lambda s: " " + " ".join(s.split()[:4]),
        "sidewall offset: a fifth field, used for parasitics alone",
    ),
    Rule(
        "extract",
        re.compile(r"\s*device\b.*\sw>=\S+(?!.*\b(?:a1|w|l)<)"),
        lambda s: re.sub(r"\s+w>=\S+", "", s),
        "the general device of a pair: takes all sizes once its narrow twin is left out",
    ),
    Rule(
        "extract",
        re.compile(rf"\s*device\b.*{_SIZE_LIMIT}"),
        lambda s: None,
        "a device told apart by its size",
    ),
)


def adapt(text: str, version: str) -> tuple[str, list[Edit]]:
    """Rewrite a technology file for one Magic.

    Args:
        text: The technology file.
        version: Version of the Magic that is to read it, such as "8.3.105".

    Returns:
        The text and what was changed; the text as it is when that Magic is new enough.

    Raises:
        FlowError: When the file does not say which Magic it requires.
    """
    required = re.search(r"^\s*requires\s+magic-([\d.]+)", text, re.M)
    if not required:
        raise FlowError("no `requires magic-<version>` line", where="Magic technology file")
    if _numbers(version) >= _numbers(required.group(1)):
        return text, []
    out: list[str] = []
    edits: list[Edit] = []
    for number, section, lines in _statements(text):
        joined = " ".join(part.rstrip().rstrip("\\").rstrip() for part in lines)
        new: str | None = joined
        if section == "version" and re.match(r"\s*requires\s+magic-", joined):
            new = joined.replace(required.group(1), version)
        else:
            for rule in RULES:
                if rule.section == section and rule.pattern.match(joined):
                    new = rule.rewrite(joined)
                    break
        if new == joined:
            out += lines
            continue
        edits.append(Edit(number, " ".join(joined.split()), new and " ".join(new.split())))
        out += [new] if new is not None else []
    return "\n".join(out), edits


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(n) for n in re.findall(r"\d+", version))


def _statements(text: str) -> Iterator[tuple[int, str, list[str]]]:
    """Line number, section and lines of each statement; a trailing backslash continues one."""
    section = ""
    lines = text.split("\n")
    i = 0
    while i < len(lines):
        j = i
        while lines[j].rstrip().endswith("\\") and j + 1 < len(lines):
            j += 1
        word = lines[i].strip()
        if word == "end":
            section = ""
        elif not section and re.fullmatch(r"[a-z]+", word):
            section = word
        yield i + 1, section, lines[i : j + 1]
        i = j + 1


def tech_for_magic(source: Path, version: str) -> Path:
    """The technology file for the Magic of that version: `source`, or an adapted copy in the cache."""
    try:
        raw = source.read_bytes()
    except OSError as e:
        raise FlowError(f"cannot read it ({e.strerror})", where=str(source)) from e
    text = raw.decode("utf-8", "surrogateescape")
    adapted, edits = adapt(text, version)
    if not edits:
        return source
    data = adapted.encode("utf-8", "surrogateescape")
    # The folder is named after the result, so that a change of the rules never meets an old copy.
    path = cache_root() / "magic" / f"{version}-{sha256_bytes(data)[:12]}" / source.name
    with disk_faults(path.parent):
        if not path.is_file() or path.read_bytes() != data:
            atomic_write(path, data)
    return path
