"""The kit's transistor models, cut down to the sizes that a bank has."""

__all__ = ["model_text"]

import re
from collections.abc import Sequence
from pathlib import Path

from base_chip.bank.spec import BankSpec
from rtl_gen.errors import ExitCode, FlowError

_MODEL = re.compile(r"^\.model\s.*?(?=^\.(?:model|ends)\b)", re.M | re.S)
_RANGE = re.compile(r"lmin = (\S+) lmax = (\S+) wmin = (\S+) wmax = (\S+)")


_STRESS = "models/parameters/lod.spice"  # parameters that the models share


def model_text(
    spec: BankSpec,
    library: Path,
    process: str,
    sizes: Sequence[tuple[int, int]] = (),
    mismatch: bool = False,
) -> str:
    """The models of a bank's transistors: a thousandth of the files, which take a simulator a second each.

    Args:
        spec: Gives the process's device names and the transistors' size.
        library: Folder of the kit's device library, which holds `cells` and `models`.
        process: Process corner, such as "ss".
        sizes: Widths and lengths (nm) of transistors that are not those of the bank.
        mismatch: Whether every transistor gets a random threshold of its own, another in every run.

    Raises:
        FlowError: If a file is not there, or holds no model of that size.
    """
    every = [(w * 1e-9, length * 1e-9) for w, length in ((spec.dims.channel, spec.dims.gate), *sizes)]
    texts = [f".param MC_MM_SWITCH={int(mismatch)}", _read(library / _STRESS, spec)]
    for role in ("nfet", "pfet"):
        name = spec.process.devices[role]
        folder = library / "cells" / name.rpartition("__")[2]
        texts.append(_read(folder / f"{name}__mismatch.corner.spice", spec))
        path = folder / f"{name}__{process}.pm3.spice"
        texts.append(_cut(_read(path, spec), every, path))
    return "\n".join(texts)


def _read(path: Path, spec: BankSpec) -> str:
    try:
        return path.read_text()
    except OSError as e:
        raise FlowError(
            f"no transistor model: {e.strerror}",
            where=str(path),
            hint=f"Run: sc-flow pdk install {spec.pdk}",
            code=ExitCode.MISSING_TOOL,
        ) from e


def _cut(text: str, sizes: Sequence[tuple[float, float]], path: Path) -> str:
    """Leave out the bins that hold no transistor of any size (width, length in m)."""
    kept: set[tuple[float, float]] = set()

    def keep(found: re.Match[str]) -> str:
        limits = _RANGE.search(found.group())
        if not limits:
            return found.group()
        l0, l1, w0, w1 = map(float, limits.groups())
        inside = [
            (w, length)
            for w, length in sizes
            if l0 <= length * 1.0001 <= l1 * 1.0002 and w0 <= w * 1.0001 <= w1 * 1.0002
        ]
        kept.update(inside)
        return found.group() if inside else ""

    out = _MODEL.sub(keep, text)
    for w, length in sizes:
        if _RANGE.search(text) and (w, length) not in kept:
            raise FlowError(f"no model of {w * 1e6:g} x {length * 1e6:g} um", where=str(path))
    return out
