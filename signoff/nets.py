"""Names of nets that assignments, ports of modules and buffers make one."""

__all__ = ["Joined"]

from collections.abc import Container, Iterable

from rtl_gen.errors import FlowError
from signoff.netlist import CONSTANTS


class Joined:
    """A union-find over names of nets.

    Args:
        pairs: Names to join from the start.
        keep: Of two nets that are joined, the name in here stays; else that of the second.
    """

    def __init__(self, pairs: Iterable[tuple[str, str]] = (), keep: Container[str] = CONSTANTS) -> None:
        self._keep = keep
        self._parent: dict[str, str] = {}
        for pair in pairs:
            self.join(*pair)

    def join(self, a: str, b: str) -> None:
        """Make two nets one; FlowError when they are two constants."""
        a, b = self.root(a), self.root(b)
        if a == b:
            return
        if a in CONSTANTS and b in CONSTANTS:
            raise FlowError(f"the constants {a} and {b} are one net", hint="Harden the base anew.")
        stays, goes = (a, b) if a in self._keep else (b, a)
        self._parent[goes] = stays

    def root(self, net: str) -> str:
        """The one name of a net."""
        while net in self._parent:
            self._parent[net] = self._parent.get(self._parent[net], self._parent[net])
            net = self._parent[net]
        return net
