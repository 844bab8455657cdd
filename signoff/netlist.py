"""Reads a gate-level netlist: instances, and which net each pin is on."""

__all__ = ["CONSTANTS", "Instance", "Netlist", "read_modules", "read_netlist"]

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rtl_gen.errors import FlowError

_TOKEN = re.compile(
    r"//[^\n]*|/\*.*?\*/|\(\*.*?\*\)|\s+"  # skipped
    r"|(\\\S+(?=\s)|[\w$]+|[\[\]{}().,;:='])"
    r"|(.)",  # nothing that a netlist is made of
    re.S,
)
CONSTANTS = ("0", "1", "?")  # in the place of a net; the last is unknown
_NAME = re.compile(r"\\|[A-Za-z_]")


@dataclass(frozen=True)
class Instance:
    """A cell: nets or `CONSTANTS` by pin, the highest bit first; "" where none is connected."""

    cell: str
    name: str
    pins: dict[str, tuple[str, ...]]

    @functools.cached_property
    def on_nets(self) -> tuple[tuple[str, str], ...]:
        """Pins with the nets that they are on; those of a bus one by one, as "q[3]"."""
        return tuple(
            (pin if len(nets) == 1 else f"{pin}[{len(nets) - 1 - number}]", net)
            for pin, nets in self.pins.items()
            for number, net in enumerate(nets)
            if net and net not in CONSTANTS
        )


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

    def bits(self, port: str) -> list[str]:
        """Names of the bits of a port in the order of its range, usually the highest first."""
        span = self.ports[port][1]
        return [port] if span is None else [f"{port}[{n}]" for n in _span(*span)]

    @property
    def port_bits(self) -> list[str]:
        """Names of the bits of all ports."""
        return [bit for port in self.ports for bit in self.bits(port)]


def read_netlist(path: Path) -> Netlist:
    """Read a file with one module, as OpenROAD writes it.

    Raises:
        FlowError: It holds something else than ports, wires, instances and assignments.
    """
    modules = read_modules(path)
    if len(modules) != 1:
        raise _damaged(path, f"{len(modules)} modules, expected one")
    return next(iter(modules.values()))


def read_modules(path: Path) -> dict[str, Netlist]:
    """Read a file with any number of modules, by name.

    Raises:
        FlowError: One holds something else than ports, wires, instances and assignments.
    """
    found: dict[str, Netlist] = {}
    try:
        reader = _Reader(path.read_text("utf-8"))
        while reader.more():
            module = reader.module()
            if module.name in found:
                raise ValueError(f"module {module.name} appears twice")
            found[module.name] = module
    except (OSError, UnicodeDecodeError, IndexError, KeyError, ValueError) as e:
        raise _damaged(path, f"{type(e).__name__}: {e}") from e
    return found


def _damaged(path: Path, why: str) -> FlowError:
    return FlowError(
        f"the netlist is not made of instances alone ({why})",
        where=str(path),
        hint="Restore the hardened artifact (git checkout), or harden the tile anew.",
    )


class _Reader:
    def __init__(self, text: str) -> None:
        self.tokens = list(_tokens(text))
        self.at = 0
        self.ranges: dict[str, tuple[int, int]] = {}

    def more(self) -> bool:
        return self.at < len(self.tokens)

    def next(self) -> str:
        if not self.more():
            raise ValueError("the text is cut short")
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
        self.ranges = {}
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
                if len(left) != len(right):
                    raise ValueError(f"assign of {len(right)} bits to {len(left)}")
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
            if pin in pins:
                raise ValueError(f"pin {pin} of {name} is given twice")
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
            return _constant(width, self.next())
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


def _tokens(text: str) -> Iterator[str]:
    for found in _TOKEN.finditer(text):
        if found.group(2):
            line = text.count("\n", 0, found.start()) + 1
            raise ValueError(f"cannot read {text[found.start() : found.start() + 20]!r} in line {line}")
        if found.group(1):
            yield found.group(1)


def _constant(width: int, digits: str) -> tuple[str, ...]:
    """Bits of a constant, the highest first; `digits` begin with their base."""
    if digits[0] not in "bh":
        raise ValueError(f"constant {width}'{digits}")
    each = 1 if digits[0] == "b" else 4
    bits = "".join(CONSTANTS[2] * each if d in "xz" else f"{int(d, 1 << each):0{each}b}" for d in digits[1:])
    fill = CONSTANTS[2] if bits.startswith(CONSTANTS[2]) else "0"
    return tuple(bits[-width:].rjust(width, fill))


def _span(first: int, last: int) -> range:
    return range(first, last - 1, -1) if first >= last else range(first, last + 1)
