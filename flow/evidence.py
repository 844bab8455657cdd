"""What the rows of a step rest on: logs, reports and marker databases, kept beside its outputs."""

__all__ = ["EVIDENCE", "keep_evidence", "of_row", "of_step"]

import gzip
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

EVIDENCE = "evidence"  # folder in a step's outputs; no other step reads it, so it is in nobody's key
_SUFFIXES = (".log", ".lyrdb", ".out", ".rpt", ".json", ".ys")
_NAMES = ("report.txt",)
_LARGE = 100_000  # bytes; from here on a file is compressed
_CONTROL = "control"


def keep_evidence(scratch: Path, out: Path) -> None:
    """Copy what is evidence from a step's scratch folder to `<out>/evidence`, by the same names."""
    for path in sorted(p for p in scratch.rglob("*") if p.is_file() and not p.is_symlink()):
        if path.suffix not in _SUFFIXES and path.name not in _NAMES:
            continue
        target = out / EVIDENCE / path.relative_to(scratch)
        target.parent.mkdir(parents=True, exist_ok=True)
        content = path.read_bytes()
        if len(content) < _LARGE:
            target.write_bytes(content)
        else:
            target.with_name(target.name + ".gz").write_bytes(gzip.compress(content, mtime=0))


def of_step(record: Mapping[str, Any]) -> dict[str, str]:
    """SHA-256 of a step's evidence by its name; what a step without tools has compared are its outputs.

    Args:
        record: Of the step, as `step.json` has it.
    """
    return dict(record["evidence"] or (record["files"] if record["result"]["checks"] else {}))


def of_row(check: str, files: Iterable[str]) -> tuple[str, ...]:
    """Which of a step's evidence belongs to a row: controls ran in folders that are called so.

    A row has the files and folders of its side that are called as it is, with the folders above them
    ("rom/supplies.rpt" of `rom_supplies`), else all that its side has;
    a row whose side left nothing has what the step has.
    """
    files = sorted(files)
    side = [f for f in files if (_CONTROL in f) == check.endswith(f"_{_CONTROL}")]
    return tuple([f for f in side if _is_called(f, check)] or side or files)


def _is_called(file: str, check: str) -> bool:
    parts = [part.partition(".")[0] for part in file.split("/") if part != EVIDENCE]
    names = ("_" + "_".join(parts[:n]) for n in range(1, len(parts) + 1))
    return any(name.endswith(f"_{check}") for name in names)
