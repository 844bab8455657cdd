"""Compare a read-back ROM with what was meant to be in it, and hand it on to simulation."""

__all__ = ["compare", "readback_control", "write_hex"]

from collections.abc import Sequence
from pathlib import Path

import klayout.db as kdb
import numpy as np

from rtl_gen.errors import ExitCode, FlowError
from signoff.readback.bits import Recovered, recover
from signoff.readback.shapes import KLAYOUT, VIA2
from signoff.result import CheckResult

SHOWN = 5  # places named in a result


def compare(recovered: Recovered, expected: np.ndarray) -> CheckResult:
    """Check every bit; a failure names the first places that differ.

    Args:
        recovered: From the layout.
        expected: bool [banks, word_lines, bit_lines].
    """
    if recovered.bits.shape != expected.shape:
        total = max(recovered.bits.size, expected.size)
        return _result(total, f"the layout holds {recovered.bits.shape} bits, expected {expected.shape}")
    wrong = np.argwhere(recovered.bits != expected)
    faults = [_place(recovered, *site) for site in wrong[:SHOWN]]
    faults += [f"unclear via at ({x / 1000:g}, {y / 1000:g}) um" for x, y in recovered.unclear[:SHOWN]]
    count = len(wrong) + len(recovered.unclear)
    if not count:
        return _result(0, f"{expected.size} bits read from the layout equal the ROM image")
    return _result(count, "; ".join(faults) + ("; ..." if count > len(faults) else ""))


def readback_control(layout: kdb.Layout, recovered: Recovered, expected: np.ndarray) -> CheckResult:
    """Negative control: in a copy, one via is removed and one added; each must be found at its place.

    Args:
        layout: The chip, left as it is.
        recovered: What was read from it.
        expected: bool [banks, word_lines, bit_lines].
    """
    copy, planted = layout.dup(), {}
    for kind, value in (("removed", True), ("added", False)):
        candidates = np.argwhere(recovered.bits == value)
        if len(candidates):
            planted[kind] = tuple(candidates[len(candidates) // 2])
            _flip(copy, recovered.centres[planted[kind]], value)
    again = recover(copy, recovered.grids)
    changed = again.bits != recovered.bits
    missed = [
        f"via {kind} at {_place(recovered, *site)} was not found"
        for kind, site in planted.items()
        if not changed[site]
    ]
    if not missed and (changed.sum() != len(planted) or compare(again, expected).status != "fail"):
        missed.append(f"{changed.sum()} bits changed, {len(planted)} were planted")
    return _result(
        len(missed),
        "; ".join(missed) or "a removed and an added via were each found at their place",
        "_control",
    )


def write_hex(bits: np.ndarray, folder: Path, names: Sequence[str] = ()) -> list[Path]:
    """Write each bank for $readmemh: a word line a line, the last bit line leftmost.

    Args:
        bits: bool [banks, word_lines, bit_lines].
        folder: Where to.
        names: Of the files without their suffix; bank0, bank1 ... by default.

    Raises:
        FlowError: The folder cannot be written.
    """
    paths = []
    names = names or [f"bank{n}" for n in range(len(bits))]
    for name, bank in zip(names, bits, strict=True):
        path = folder / f"{name}.hex"
        digits = -(-bank.shape[1] // 4)
        words = np.packbits(bank, axis=1, bitorder="little")[:, ::-1]
        try:
            path.write_text("".join(w.tobytes().hex()[-digits:] + "\n" for w in words), "ascii")
        except OSError as e:
            raise FlowError(
                f"cannot write the ROM contents ({e.strerror})", where=str(path), code=ExitCode.OUTPUT
            ) from e
        paths.append(path)
    return paths


def _result(count: int, detail: str, suffix: str = "") -> CheckResult:
    return CheckResult(
        name=f"readback{suffix}",
        tool="klayout.db",
        version=KLAYOUT,
        count=count,
        limit=0,
        status="fail" if count else "pass",
        reason="",
        detail=detail,
    )


def _place(r: Recovered, bank: int, word: int, bit: int) -> str:
    x, y = r.centres[bank, word, bit]
    state = "via" if r.bits[bank, word, bit] else "no via"
    return f"bank {bank} WL[{word}] BL[{bit}] at ({x / 1000:g}, {y / 1000:g}) um: {state}"


def _flip(layout: kdb.Layout, centre: np.ndarray, remove: bool) -> None:
    """Remove the via at a place of the top cell, or add one there."""
    top, layer = layout.top_cell(), layout.layer(*VIA2)
    x, y = (int(a) for a in centre)
    if not remove:
        top.shapes(layer).insert(kdb.Box(x - 100, y - 100, x + 100, y + 100))
        return
    spot = kdb.Box(x - 1, y - 1, x + 1, y + 1)
    # An iterator's shapes are read-only, so each is looked up again in its own cell.
    hits = [(i.cell_index(), i.shape().bbox()) for i in top.begin_shapes_rec_touching(layer, spot).each()]
    for cell, box in hits:
        shapes = layout.cell(cell).shapes(layer)
        for shape in [s for s in shapes.each_touching(box) if s.bbox() == box]:
            shape.delete()
