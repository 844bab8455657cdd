"""Reads the netlist that place and route writes: one module of instances, in structural Verilog."""

__all__ = ["read_netlist"]

import re
from collections.abc import Iterator, Mapping

from rtl_gen.errors import FlowError
from signoff.chip.netlist import ChipNetlist, Instance, Pins

_TOKEN = re.compile(
    r"//[^\n]*|/\*.*?\*/|\(\*.*?\*\)|\s+"  # skipped
    r"|(\\\S+(?=\s)|[A-Za-z_][\w$]*|\d+'[bB][01]+|\d+|[()\[\]{},;.:=])",
    re.S,
)
_BITS = re.compile(r"(\d+)'[bB]([01]+)")


def read_netlist(text: str, top: str, boxes: Mapping[str, Pins]) -> ChipNetlist:
    """Read a module.

    Args:
        text: Verilog.
        top: Name of the module.
        boxes: Pins of each kind of cell; a pin that the text leaves out is unconnected, on a net of its own.

    Returns:
        Its netlist; places of instances are their numbers in the text, as Verilog knows no others.

    Raises:
        FlowError: The text is cut short, is not structural, or uses unknown cells, pins or nets.
    """
    return _Reader(text, top, boxes).read()


class _Reader:
    def __init__(self, text: str, top: str, boxes: Mapping[str, Pins]) -> None:
        self.top, self.boxes = top, boxes
        self._tokens = _tokens(text, top)
        self._ahead: list[str] = []
        self.ranges: dict[str, list[int]] = {}  # bit numbers of each bus, as declared
        self.ports: list[str] = []
        self.same: dict[str, str] = {}  # a net's other name, by assign
        self.used: set[str] = set()  # kinds of cell
        self.instances: list[Instance] = []

    def read(self) -> ChipNetlist:
        self._expect("module")
        if (name := self._next()) != self.top:
            raise self._fault(f"module {name}, expected {self.top}")
        self._expect("(")
        headed = self._names(")")
        self._headed = set(headed)
        self._expect(";")
        while (word := self._next()) != "endmodule":
            self._statement(word)
        for port in headed:
            self.ports += self._bits_of(port)
        faults = []
        for alias, net in self.same.items():
            if alias in self.ports and self._known(net) in self.ports:
                faults.append(f"{alias} and {net} are one net")
        nets = [
            Instance(i.cell, i.place, {pin: self._known(net) for pin, net in i.nets.items()})
            for i in self.instances
        ]
        pins = {kind: self.boxes[kind] for kind in sorted(self.used)}
        return ChipNetlist(self.top, tuple(sorted(self.ports)), pins, nets, faults)

    def _statement(self, word: str) -> None:
        if word in ("input", "output", "inout", "wire", "supply0", "supply1"):
            self._declaration()
        elif word == "assign":
            left = self._expression()
            self._expect("=")
            right = self._expression()
            self._expect(";")
            if len(left) != len(right):
                raise self._fault(f"assign of {len(right)} bits to {len(left)}")
            for a, b in zip(left, right, strict=True):
                self._unite(a, b)
        elif word in self.boxes:
            self._instance(word)
        else:
            raise self._fault(f"unknown cell or statement {word!r}")

    def _declaration(self) -> None:
        bits = None
        word = self._next()
        if word == "[":
            high = self._number()
            self._expect(":")
            low = self._number()
            self._expect("]")
            step = -1 if high >= low else 1
            bits = list(range(high, low + step, step))
            word = self._next()
        while True:
            if bits is not None:
                self.ranges[_plain(word)] = bits
            if (end := self._next()) == ";":
                return
            if end != ",":
                raise self._fault(f"{end!r} in a declaration")
            word = self._next()

    def _instance(self, kind: str) -> None:
        known = set(self.boxes[kind])
        name = _plain(self._next())
        self._expect("(")
        nets: dict[str, str] = {}
        while (word := self._next()) != ")":
            if word == ",":
                continue
            if word != ".":
                raise self._fault(f"instance {name} has pins without names")
            pin = _plain(self._next())
            self._expect("(")
            on = self._expression(")")
            for bit, net in zip(_pin_bits(pin, known, len(on)), on, strict=False):
                if bit not in known or bit in nets:
                    raise self._fault(f"instance {name}: {kind} has no pin {bit}, or it is given twice")
                nets[bit] = net
        self._expect(";")
        for pin in known - set(nets):
            nets[pin] = f"$open_{pin}_{name}"
        self.used.add(kind)
        self.instances.append(Instance(kind, (len(self.instances), 0), nets))

    def _expression(self, end: str = "") -> list[str]:
        """Nets, the highest bit first; none if empty. `end` is read too, when given."""
        word = self._next()
        if end and word == end:
            return []
        if word == "{":
            nets = self._expression()
            while (word := self._next()) == ",":
                nets += self._expression()
            if word != "}":
                raise self._fault(f"{word!r} in a concatenation")
        elif constant := _BITS.fullmatch(word):
            raise self._fault(f"constant {constant.group()}: a chip needs a tie cell for it")
        else:
            nets = self._selected(word)
        if end:
            self._expect(end)
        return nets

    def _selected(self, word: str) -> list[str]:
        name = _plain(word)
        if self._peek() != "[":
            return self._bits_of(name)
        self._expect("[")
        bit = self._number()
        self._expect("]")
        return [f"{name}[{bit}]"]

    def _bits_of(self, name: str) -> list[str]:
        return [f"{name}[{b}]" for b in self.ranges[name]] if name in self.ranges else [name]

    def _unite(self, a: str, b: str) -> None:
        a, b = self._known(a), self._known(b)
        if a != b:
            # A port's name is the one that stays
            stays, goes = (a, b) if a in self._headed or a.split("[")[0] in self._headed else (b, a)
            self.same[goes] = stays

    def _known(self, net: str) -> str:
        while net in self.same:
            net = self.same[net]
        return net

    def _names(self, end: str) -> list[str]:
        names: list[str] = []
        while (word := self._next()) != end:
            if word != ",":
                names.append(_plain(word))
        return names

    def _number(self) -> int:
        word = self._next()
        if not word.isdigit():
            raise self._fault(f"{word!r}, expected a number")
        return int(word)

    def _next(self) -> str:
        if self._ahead:
            return self._ahead.pop()
        try:
            return next(self._tokens)
        except StopIteration:
            raise self._fault("the text is cut short") from None

    def _peek(self) -> str:
        word = self._next()
        self._ahead.append(word)
        return word

    def _expect(self, word: str) -> None:
        if (found := self._next()) != word:
            raise self._fault(f"{found!r}, expected {word!r}")

    def _fault(self, what: str) -> FlowError:
        return FlowError(
            what, where=f"netlist of {self.top}", hint="It is not what place and route writes: harden again."
        )


def _tokens(text: str, top: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            line = text.count("\n", 0, at) + 1
            raise FlowError(
                f"cannot read {text[at : at + 20]!r}",
                where=f"netlist of {top}, line {line}",
                hint="Harden again.",
            )
        at = found.end()
        if found.group(1):
            yield found.group(1)


def _plain(word: str) -> str:
    return word[1:] if word.startswith("\\") else word


def _pin_bits(pin: str, known: set[str], width: int) -> list[str]:
    """The names of a pin's bits, the highest first."""
    if pin in known:
        return [pin]
    bits = sorted(int(k[len(pin) + 1 : -1]) for k in known if re.fullmatch(rf"{re.escape(pin)}\[\d+\]", k))
    return [f"{pin}[{b}]" for b in reversed(bits)] if len(bits) == width or not width else [pin]
