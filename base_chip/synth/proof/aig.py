"""And-inverter graphs, as ABC reads them."""

__all__ = ["Aig"]

from collections.abc import Sequence
from pathlib import Path


class Aig:
    """A graph of AND gates. Literals are AIGER's: 2n is node n, 2n + 1 its inverse; 0 and 1 are constants."""

    def __init__(self) -> None:
        self._nodes: list[tuple[int, int] | None] = [None]  # None: the constant, then inputs
        self._known: dict[tuple[int, int], int] = {}

    def input(self) -> int:
        """A literal that is an input of its own."""
        self._nodes.append(None)
        return 2 * (len(self._nodes) - 1)

    def both(self, a: int, b: int) -> int:
        low, high = min(a, b), max(a, b)
        if low < 2:
            return high if low else 0
        if low ^ high < 2:
            return low if low == high else 0
        found = self._known.get((low, high))
        if found is None:
            self._nodes.append((low, high))
            found = self._known[low, high] = 2 * (len(self._nodes) - 1)
        return found

    def inverse(self, a: int) -> int:
        return a ^ 1

    def write(self, path: Path, outputs: Sequence[int]) -> None:
        """Write a binary AIGER file, which has all inputs before all gates."""
        inputs = [n for n, node in enumerate(self._nodes) if node is None][1:]
        gates = [(n, node) for n, node in enumerate(self._nodes) if node is not None]
        place = {0: 0} | {n: at for at, n in enumerate([*inputs, *(n for n, _ in gates)], 1)}

        def literal(of: int) -> int:
            return 2 * place[of >> 1] + (of & 1)

        body = bytearray()
        for n, node in gates:
            high, low = sorted((literal(node[0]), literal(node[1])), reverse=True)
            body += _number(2 * place[n] - high) + _number(high - low)
        head = f"aig {len(place) - 1} {len(inputs)} 0 {len(outputs)} {len(gates)}\n"
        path.write_bytes((head + "".join(f"{literal(o)}\n" for o in outputs)).encode() + body)


def _number(value: int) -> bytes:
    """Seven bits a byte, the lowest first; all but the last have the top bit set."""
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes((*found, value))
