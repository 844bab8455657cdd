"""Reads a flat gate-level netlist: instances, and which net each pin is on."""

__all__ = ["CONSTANTS", "Instance", "Netlist", "read_netlist"]

import re
from dataclasses import dataclass
from pathlib import Path

from rtl_gen.errors import FlowError

_TOKEN = re.compile(r"\\\S+|[\w$]+|[\[\]{}().,;:=']|//[^\n]*|/\*.*?\*/|\(\*.*?\*\)", re.S)
CONSTANTS = ("0", "1", "?")  # in the place of a net; the last is unknown
_NAME = re.compile(r"\\|[A-Za-z_]")


@dataclass(frozen=True)
class Instance:
    """A cell: nets or `CONSTANTS` by pin, the highest bit first; "" where none is connected."""

    cell: str
    name: str
    pins: dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Netlist:
    """A module.

    Attributes:
        ports: Direction, and range when it is a bus, by name.
        instances: By name.
        aliases: Nets that are another net: (left, right) of each assignment, bit by bit.
    """

    name: str
    ports: dict[str, tuple[str, tuple[int, int] | None]]
    instances: dict[str, Instance]
    aliases: tuple[tuple[str, str], ...]


def read_netlist(path: Path) -> Netlist:
    """Read a file with one module, as OpenROAD writes it.

    Raises:
        FlowError: It holds something else than ports, wires, instances and assignments.
    """
    try:
        return _Reader(path.read_text("utf-8")).module()
    except (OSError, UnicodeDecodeError, IndexError, KeyError, ValueError) as e:
        raise FlowError(
            f"the netlist is not one flat module ({type(e).__name__}: {e})",
            where=str(path),
            hint="Restore the hardened artifact (git checkout), or harden the base anew.",
        ) from e


class _Reader:
    def __init__(self, text: str) -> None:
        self.tokens = [t for t in _TOKEN.findall(text) if not t.startswith(("//", "/*", "(*"))]
        self.at = 0
        self.ranges: dict[str, tuple[int, int]] = {}

    def next(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1]

    def expect(self, token: str) -> None:
        if (found := self.next()) != token:
            raise ValueError(f"found {found!r}, expected {token!r}")

    def name(self) -> str:
        token = self.next()
        if not _NAME.match(token):
            raise ValueError(f"found {token!r}, expected a name")
        return token.lstrip("\\")

    def module(self) -> Netlist:
        self.expect("module")
        name = self.name()
        while self.next() != ";":
            pass
        ports: dict[str, tuple[str, tuple[int, int] | None]] = {}
        instances: dict[str, Instance] = {}
        aliases: list[tuple[str, str]] = []
        while (word := self.next()) != "endmodule":
            if word in ("input", "output", "inout", "wire", "supply0", "supply1"):
                for signal in self._declared():
                    if word in ("input", "output", "inout"):
                        ports[signal] = word, self.ranges.get(signal)
            elif word == "assign":
                left = self._nets()
                self.expect("=")
                right = self._nets()
                self.expect(";")
                aliases += zip(left, right, strict=True)
            else:
                found = self._instance(word.lstrip("\\"))
                if found.name in instances:
                    raise ValueError(f"instance {found.name} appears twice")
                instances[found.name] = found
        return Netlist(name, ports, instances, tuple(aliases))

    def _declared(self) -> list[str]:
        span = None
        if self.tokens[self.at] == "[":
            self.next()
            high = int(self.next())
            self.expect(":")
            span = high, int(self.next())
            self.expect("]")
        names = [self.name()]
        while self.next() == ",":
            names.append(self.name())
        if span:
            self.ranges |= dict.fromkeys(names, span)
        return names

    def _instance(self, cell: str) -> Instance:
        name = self.name()
        self.expect("(")
        pins: dict[str, tuple[str, ...]] = {}
        while (token := self.next()) != ")":
            if token == ",":
                continue
            if token != ".":
                raise ValueError(f"pins of {name} are not named")
            pin = self.name()
            self.expect("(")
            pins[pin] = self._nets() if self.tokens[self.at] != ")" else ("",)
            self.expect(")")
        self.expect(";")
        return Instance(cell, name, pins)

    def _nets(self) -> tuple[str, ...]:
        token = self.tokens[self.at]
        if token == "{":
            self.next()
            out = self._nets()
            while (token := self.next()) == ",":
                out += self._nets()
            if token != "}":
                raise ValueError(f"found {token!r} in a concatenation")
            return out
        if token[0].isdigit():
            width = int(self.next())
            self.expect("'")
            digits = self.next()
            if digits[0] not in "bh" or (digits[0] == "h" and set(digits[1:]) != {"0"}):
                raise ValueError(f"constant {width}'{digits}")
            bits = re.sub("[xz]", CONSTANTS[2], digits[1:]) if digits[0] == "b" else ""
            return tuple(bits.rjust(width, "0"))
        name = self.name()
        if self.tokens[self.at] == "[":
            self.next()
            high = int(self.next())
            low = high
            if self.tokens[self.at] == ":":
                self.next()
                low = int(self.next())
            self.expect("]")
            return tuple(f"{name}[{n}]" for n in _span(high, low))
        if span := self.ranges.get(name):
            return tuple(f"{name}[{n}]" for n in _span(*span))
        return (name,)


def _span(first: int, last: int) -> range:
    return range(first, last - 1, -1) if first >= last else range(first, last + 1)
