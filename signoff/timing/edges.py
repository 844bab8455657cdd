"""Names the edges in SDF where a path is given twice: for an output that follows, and for one that opposes.

OpenSTA writes such a pair without a condition, and reads each of the two over the other. Which one is first
follows from the order in the cells' liberty, which is that of the cell's name: an xor opposes first, an xnor
follows first.
"""

__all__ = ["with_edges"]

import re
from collections.abc import Mapping

from rtl_gen.errors import FlowError
from signoff.timing.cells import Cell, Expr
from signoff.timing.sense import sense

_CELL = re.compile(r'\(CELLTYPE\s+"([^"]+)"\)\s*\(INSTANCE\s*([^\s)]*)\s*\)')
_TRIPLE = r"\(\s*[-\d.:eE+]*\s*\)"
_PAIR = re.compile(
    rf"\(IOPATH\s+(\w+)\s+(\w+)\s+({_TRIPLE})\s*({_TRIPLE})\s*\)"
    rf"(\s*)\(IOPATH\s+\1\s+\2\s+({_TRIPLE})\s*({_TRIPLE})\s*\)"
)


def with_edges(text: str, cells: Mapping[str, Cell]) -> str:
    """The SDF with each pair of paths between the same pins told apart by the edge of its input.

    Args:
        text: SDF as OpenSTA writes it.
        cells: What the cells do, by name; a pair in any other is left alone.

    Raises:
        FlowError: A pair is between pins whose function has one sense.
    """
    heads = list(_CELL.finditer(text))
    out, at = [], 0
    for head, end in zip(heads, [*(h.start() for h in heads[1:]), len(text)], strict=True):
        if cell := cells.get(head[1]):
            body = text[head.end() : end]
            out += [text[at : head.end()], _PAIR.sub(lambda m, c=cell, n=head[2]: _named(m, c, n), body)]
            at = end
    return "".join([*out, text[at:]])


def _named(pair: re.Match[str], cell: Cell, instance: str) -> str:
    source, to = pair[1], pair[2]
    function = cell.outputs.get(to)
    if function is None or sense(function, source) != 0:
        raise FlowError(
            f"{instance}: {source} to {to} of {cell.name} is given twice, and has one sense",
            hint="The SDF is of another library than the kit's: harden the base anew.",
        )
    first, second = (pair[3], pair[4]), (pair[6], pair[7])
    follows, opposes = (first, second) if _inverts(function) else (second, first)
    return (
        f"(IOPATH (posedge {source}) {to} {follows[0]} {opposes[1]})"
        f"{pair[5]}(IOPATH (negedge {source}) {to} {opposes[0]} {follows[1]})"
    )


def _inverts(function: Expr) -> bool:
    return isinstance(function, tuple) and function[0] == "not"
