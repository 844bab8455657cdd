"""Whether the bits of a ROM are the quantised model, by taking them apart."""

__all__ = ["check_contents"]

from dataclasses import replace

import numpy as np

from rtl_gen.golden.core import CoreConfig
from rtl_gen.golden.params import IntModel
from rtl_gen.golden.quantised import QuantModel
from signoff.contents.decoder import read_decoder
from signoff.contents.lowered import compare_integers
from signoff.contents.rows import KINDS, Rows
from signoff.result import CheckResult

NAME, TOOL = "contents", "sc-flow"
SEED = 1
_SHOWN = 3


def check_contents(
    bits: np.ndarray, model: QuantModel, integers: IntModel, core: CoreConfig
) -> tuple[CheckResult, CheckResult]:
    """Take a ROM apart and compare it with a model, then once more with a wrong bit of each kind.

    Args:
        bits: bool [rows, 64], as they were read from the layout.
        model: What `quantise` wrote.
        integers: The golden model's.
        core: Sizes of the chip.

    Returns:
        The rows `contents` and `contents_control`.
    """
    rows = Rows(bits)
    read = read_decoder(rows, integers, core)
    faults = read + compare_integers(integers, model)
    held = [int((rows.kind == n).any(axis=1).sum()) for n in range(len(KINDS))]
    told = ", ".join(f"{n} rows of {kind}" for n, kind in zip(held, KINDS, strict=True))
    row = CheckResult(
        NAME, TOOL, "", len(faults), 0, "fail" if faults else "pass", faults[0] if faults else "",
        "; ".join(faults[:_SHOWN]) or f"{told} are the quantised model's",
    )  # fmt: skip
    lost = []
    rng = np.random.default_rng(SEED)
    for n, kind in ((-1, "empty"), *enumerate(KINDS)):
        places = np.argwhere(rows.kind == n)
        wrong = bits.copy()
        if len(places):
            wrong[tuple(rng.choice(places))] ^= True
        seen = read_decoder(Rows(wrong), integers, core)
        if not len(places) or len(seen) <= len(read):
            lost.append(f"a wrong bit of {kind}")
    control = replace(
        row, name=f"{NAME}_control", count=len(lost), status="fail" if lost else "pass",
        reason=f"not found: {', '.join(lost)}" if lost else "",
        detail=f"a wrong bit of {', '.join(KINDS)} and one where nothing is: all found",
    )  # fmt: skip
    return row, control
