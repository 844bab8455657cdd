"""Figures of a finished chip, for its report: areas, codes, and what lies in the ROM."""

__all__ = [
    "CATEGORIES",
    "area_by_kind",
    "category",
    "cell_counts",
    "code_histograms",
    "painted",
    "row_categories",
]

import functools
import re
from collections import Counter, defaultdict
from collections.abc import Container, Mapping, Sequence
from pathlib import Path

import numpy as np

from flow.stitching.contents import Block
from rtl_gen.golden.quantised import QuantModel
from signoff.netlist import read_modules

# What lies in a ROM, and its colour on the map (after Tableau 20: told apart by people with colour blindness
# as far as fourteen colours can be).
CATEGORIES = {
    "program": "#7f7f7f",
    "tables": "#bcbd22",
    "factors": "#e377c2",
    "embed": "#1f77b4",
    "final": "#8c564b",
    "head": "#17becf",
    "q": "#2ca02c",
    "k": "#98df8a",
    "v": "#d62728",
    "o": "#ff9896",
    "gate": "#9467bd",
    "up": "#c5b0d5",
    "down": "#ff7f0e",
    "unused": "#d9d9d9",
}
_GAP = 6  # pixels between the banks of the map
_NO_VIA = 0.45  # how much of a category's colour a site without a via keeps

_FUNCTIONS = (  # of a standard cell by its name, the first that matches
    ("flip-flops, latches", r"s?e?df|dl[rx]"),
    ("clock gates", r"s?dlclk"),
    ("clock tree buffers", r"clkbuf|clkinv|clkdly"),
    ("buffers, inverters", r"buf|inv|dly|einv|ebuf|bufinv"),
    ("multiplexers", r"mux"),
    ("adders", r"fa|ha"),
    ("antenna diodes", r"diode"),
    ("fill, taps", r"fill|decap|tap"),
    ("constants", r"conb"),
)


def category(name: str, kind: str) -> str:
    """One of `CATEGORIES` for a block of the ROM image: by matrix for weights, else by kind."""
    if kind != "weights":
        return kind if kind in CATEGORIES else "unused"
    last = name.rsplit(".", 1)[-1]
    return last if last in CATEGORIES else "unused"


def row_categories(blocks: Sequence[Block], rows: int) -> np.ndarray:
    """What lies in each row, int [rows]: places in `CATEGORIES`."""
    names = list(CATEGORIES)
    of_row = np.full(rows, names.index("unused"))
    for b in blocks:
        of_row[b.start : b.start + b.rows] = names.index(category(b.name, b.kind))
    return of_row


def painted(what: np.ndarray, vias: np.ndarray) -> np.ndarray:
    """Colours of sites, uint8 [..., 3]: that of a category where there is a via, else a paler one.

    Args:
        what: Places in `CATEGORIES`, int.
        vias: bool, of the same shape.
    """
    colours = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in CATEGORIES.values()], float)
    full = colours[what]
    found: np.ndarray = np.where(vias[..., None], full, 255 - (255 - full) * _NO_VIA).astype(np.uint8)
    return found


def code_histograms(model: QuantModel) -> dict[str, dict[str, object]]:
    """For each matrix its bits and how often each code occurs, from the lowest code to the highest."""
    out: dict[str, dict[str, object]] = {}
    for name, matrix in model.matrices.items():
        low = -(1 << (matrix.bits - 1))
        counts = np.bincount((matrix.codes.astype(int) - low).ravel(), minlength=1 << matrix.bits)
        out[name] = {"bits": matrix.bits, "counts": counts.tolist()}
    return out


def cell_counts(netlist: Path, known: Container[str]) -> Counter[str]:
    """Instances by cell, of those that are known, in a netlist of one or more modules."""
    modules = read_modules(netlist)

    @functools.cache
    def count(name: str) -> Counter[str]:
        found: Counter[str] = Counter()
        for instance in modules[name].instances.values():
            if instance.cell in known:
                found[instance.cell] += 1
            elif instance.cell in modules:
                found += count(instance.cell)
        return found

    below = {i.cell for module in modules.values() for i in module.instances.values()}
    return sum((count(name) for name in modules if name not in below), Counter())


def area_by_kind(
    cells: Mapping[str, int], areas: Mapping[str, float], prefix: str
) -> list[dict[str, object]]:
    """Cells and their area by function, the largest first.

    Args:
        cells: Instances by cell.
        areas: um2 by cell; a macro's too.
        prefix: Of standard cells' names; all other cells are macros and keep their own names.
    """
    number: Counter[str] = Counter()
    um2: dict[str, float] = defaultdict(float)
    for cell, n in cells.items():
        kind = _function(cell.removeprefix(prefix)) if cell.startswith(prefix) else cell
        number[kind] += n
        um2[kind] += n * areas[cell]
    return [
        {"kind": k, "cells": number[k], "um2": round(a, 1)}
        for k, a in sorted(um2.items(), key=lambda t: -t[1])
    ]


def _function(cell: str) -> str:
    for name, pattern in _FUNCTIONS:
        if re.match(pattern, cell):
            return name
    return "other logic"
