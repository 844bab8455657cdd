"""Names the edges in SDF where a path is given twice: for an output that follows, and for one that opposes.

OpenSTA writes such a pair without a condition, and reads each of the two over the other. Which one is first
follows from the order in the cells' liberty, which is that of the cell's name: an xor opposes first, an xnor
follows first.

Hold limits are given for early and for late transitions, and OpenSTA 2.0 reads the second where newer ones
take the first: both become the larger.
"""

__all__ = ["Edged", "split_paths", "with_edges"]

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass

from rtl_gen.errors import FlowError
from signoff.timing.cells import Cell, Expr
from signoff.timing.sdf import TRIPLE, entries, plain_name
from signoff.timing.sense import sense
from signoff.timing.skeleton import CLEARED, SPLIT, arcs

_TRIPLE = rf"\(\s*{TRIPLE}\s*\)"
_EDGES = rf"({_TRIPLE})(?:\s*({_TRIPLE}))?"  # rise and fall; one triple is both
_PAIR = re.compile(rf"\(IOPATH\s+(\w+)\s+(\w+)\s+{_EDGES}\s*\)(\s*)\(IOPATH\s+\1\s+\2\s+{_EDGES}\s*\)")
_HOLD = re.compile(
    r"(\((?:HOLD|REMOVAL)\s+\([^)]*\)\s+\([^)]*\)\s+)\(\s*([-\d.eE+]+):[-\d.eE+]*:([-\d.eE+]+)\s*\)"
)
_EMPTY = re.compile(r"\(\s*\)")
_GAP = re.compile(rf"\(IOPATH\s+(\w+)\s+(\w+)\s+(?:\(\s*\)|{_TRIPLE}\s*\(\s*\))")


@dataclass(frozen=True)
class Edged:
    """SDF whose split paths name their edges.

    Attributes:
        pairs: How many were told apart.
        gaps: Paths that lack the time of an edge, as "instance: input to output".
    """

    text: str
    pairs: int
    gaps: tuple[str, ...]


def split_paths(cell: Cell) -> list[tuple[str, str]]:
    """Pins between which a cell has a path of either sense."""
    return [(a, b) for a, b, way, kind in arcs(cell) if way == SPLIT and kind == "combinational"]


def with_edges(text: str, cells: Mapping[str, Cell]) -> Edged:
    """Tell each pair of paths between the same pins apart by the edge of its input; make hold limits one.

    Args:
        text: SDF as OpenSTA writes it.
        cells: What the cells do, by name; what is in any other is left alone.

    Raises:
        FlowError: The text holds no cell, or a pair is between pins whose function has one sense.
    """
    one_edge = {n: {(a, b) for a, b, _, kind in arcs(c) if kind in CLEARED} for n, c in cells.items()}
    found = list(entries(text))
    if not found:
        raise FlowError(
            "the SDF holds no cell", hint="Restore the hardened artifact, or harden the tile anew."
        )
    out, at, pairs = [], 0, 0
    gaps: list[str] = []
    for head, end in found:
        name, instance = head[1], plain_name(head[2])
        if cell := cells.get(name):
            body = text[head.end() : end]
            if _EMPTY.search(body):
                lost = [m.groups() for m in _GAP.finditer(body) if m.groups() not in one_edge[name]]
                gaps += [f"{instance}: {a} to {b}" for a, b in lost]
            body, count = _PAIR.subn(functools.partial(_named, cell, instance), body)
            pairs += count
            if cell.storage:
                body = _HOLD.sub(_larger, body)
            out += [text[at : head.end()], body]
            at = end
    return Edged("".join([*out, text[at:]]), pairs, tuple(gaps))


def _named(cell: Cell, instance: str, pair: re.Match[str]) -> str:
    source, to = pair[1], pair[2]
    function = cell.outputs.get(to)
    if function is None or sense(function, source) != 0:
        raise FlowError(
            f"{instance}: {source} to {to} of {cell.name} is given twice, and has one sense",
            hint="The SDF is of another library than the kit's: harden the tile anew.",
        )
    first, second = (pair[3], pair[4] or pair[3]), (pair[6], pair[7] or pair[6])
    follows, opposes = (first, second) if _inverts(function) else (second, first)
    return (
        f"(IOPATH (posedge {source}) {to} {follows[0]} {opposes[1]})"
        f"{pair[5]}(IOPATH (negedge {source}) {to} {opposes[0]} {follows[1]})"
    )


def _larger(hold: re.Match[str]) -> str:
    limit = max(hold[2], hold[3], key=float)
    return f"{hold[1]}({limit}::{limit})"


def _inverts(function: Expr) -> bool:
    return isinstance(function, tuple) and function[0] == "not"
