"""A circuit of simple gates, flip-flops and macros, as Yosys writes it, and the functions in it."""

__all__ = ["Algebra", "Bit", "Circuit", "Clock", "Flop", "Functions", "Words"]

import itertools
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from rtl_gen.errors import ExitCode, FlowError

Bit = int | str  # a net by its number; "0" and "1"; "x" and a number for each pin that nobody gives a value
Clock = tuple[str, bool]  # an input, and whether its rising edge counts
_HINT = "Restore the hardened artifact, or harden the tile anew."
FLOP, GATE = "sky130_fd_sc_hd__dfxtp", "sky130_fd_sc_hd__dlclkp"


class Flop(NamedTuple):
    """A flip-flop: takes `data` at an edge of `clock`; `enable` is None where it does so at each."""

    clock: Bit
    rising: bool
    data: Bit
    enable: Bit | None


class Algebra(Protocol):
    """What functions are made of: an AND of two, and the inverse of one; 0 is false."""

    def both(self, a: int, b: int) -> int: ...

    def inverse(self, a: int) -> int: ...


@dataclass(frozen=True)
class Words:
    """Functions as their values: bit n of a word is the value in case n of `width`."""

    width: int

    def both(self, a: int, b: int) -> int:
        return a & b

    def inverse(self, a: int) -> int:
        return a ^ ((1 << self.width) - 1)


@dataclass(frozen=True)
class Circuit:
    """A flat circuit.

    Attributes:
        inputs, outputs: Nets of ports and of macros by name, `port[n]` and `kind macro.pin[n]`. What a macro
            gives is an input here, what it takes an output.
        flops: By the net that they drive.
        cells: Kind and inputs of simple gates, by the net that they drive.
        names: All names of a net.
    """

    inputs: Mapping[str, Bit]
    outputs: Mapping[str, Bit]
    flops: Mapping[Bit, Flop]
    cells: Mapping[Bit, tuple[str, tuple[Bit, ...]]]
    names: Mapping[Bit, tuple[str, ...]]

    @staticmethod
    def read(path: Path, top: str) -> "Circuit":
        """Read Yosys' JSON of a flat module.

        Clock gates go: a flop behind one takes its data if the gate is open. The gate is a latch that is
        transparent while the clock is low, so what counts is its input at the rising edge, as with data.

        Raises:
            FlowError: A cell is neither a simple gate nor a flop, clock gate or macro; or two drive one net.
        """
        module = json.loads(path.read_text("utf-8"))["modules"][top]
        try:
            return _Reader(module).circuit()
        except _NotUnderstood as e:
            raise FlowError(str(e), where=str(path), hint=_HINT, code=ExitCode.BAD_INPUT) from e

    def clocks(self) -> dict[Bit, Clock | None]:
        """The input that clocks each flop, behind inverters; None where it is no input."""
        by_net = {bit: name for name, bit in self.inputs.items()}
        found: dict[Bit, Clock | None] = {}
        for net, flop in self.flops.items():
            at, rising = flop.clock, flop.rising
            while at not in by_net and self.cells.get(at, ("",))[0] in ("$_NOT_", "$_BUF_"):
                kind, (at,) = self.cells[at]
                rising ^= kind == "$_NOT_"
            found[net] = (by_net[at], rising) if at in by_net else None
        return found


class _NotUnderstood(Exception):
    pass


class _Reader:
    def __init__(self, module: Mapping[str, Any]) -> None:
        self._module, self._unknown, self._driven = module, itertools.count(), Counter[Bit]()
        self._sides: dict[str, dict[str, Bit]] = {"input": {}, "output": {}}
        self._gates: dict[Bit, tuple[Bit, Bit]] = {}
        self._flops: dict[Bit, Flop] = {}
        self._cells: dict[Bit, tuple[str, tuple[Bit, ...]]] = {}

    def circuit(self) -> Circuit:
        for name, port in self._module["ports"].items():
            self._pins(name, port["direction"], port["bits"])
        for name, cell in self._module["cells"].items():
            if cell["type"] != "$scopeinfo":
                self._cell(name, cell)
        if twice := sum(times > 1 for times in self._driven.values()):
            raise _NotUnderstood(f"{twice} nets have more than one driver")
        flops = {net: self._gated(flop) for net, flop in self._flops.items()}
        return Circuit(self._sides["input"], self._sides["output"], flops, self._cells, self._names())

    def _cell(self, name: str, cell: Mapping[str, Any]) -> None:
        kind = cell["type"]
        if kind[0] != "$" and not kind.startswith((FLOP, GATE)):  # a macro
            for pin, bits in cell["connections"].items():
                side = "input" if cell["port_directions"][pin] == "output" else "output"
                self._pins(f"{kind} {name}.{pin}", side, bits)
            return
        pins = {pin: self._bit(bits[0]) for pin, bits in cell["connections"].items()}
        if kind in ("$_DFF_P_", "$_DFF_N_"):
            self._flops[self._drive(pins["Q"])] = Flop(pins["C"], kind == "$_DFF_P_", pins["D"], None)
        elif kind.startswith(FLOP):
            self._flops[self._drive(pins["Q"])] = Flop(pins["CLK"], True, pins["D"], None)
        elif kind.startswith(GATE):
            self._gates[self._drive(pins["GCLK"])] = pins["CLK"], pins["GATE"]
        elif kind in _GATES:
            self._cells[self._drive(pins["Y"])] = kind, tuple(pins[pin] for pin in "ABS" if pin in pins)
        else:
            raise _NotUnderstood(f"{name} is a {kind}, which the proof does not know")

    def _pins(self, name: str, side: str, bits: Sequence[Bit]) -> None:
        for n, bit in enumerate(map(self._bit, bits)):
            self._sides[side][f"{name}[{n}]"] = self._drive(bit) if side == "input" else bit

    def _bit(self, bit: Bit) -> Bit:
        return f"x{next(self._unknown)}" if bit in ("x", "z") else bit

    def _drive(self, bit: Bit) -> Bit:
        self._driven[bit] += 1
        return bit

    def _gated(self, flop: Flop) -> Flop:
        if flop.clock not in self._gates:
            return flop
        clock, enable = self._gates[flop.clock]
        return flop._replace(clock=clock, enable=enable)

    def _names(self) -> dict[Bit, tuple[str, ...]]:
        names: dict[Bit, list[str]] = {}
        for name, net in self._module["netnames"].items():
            for n, bit in enumerate(net["bits"], net.get("offset", 0)):
                names.setdefault(bit, []).append(f"{name}[{n}]")
        return {bit: tuple(sorted(of)) for bit, of in names.items()}


class Functions:
    """What nets of a circuit are as functions of what is known.

    Args:
        circuit: The circuit.
        algebra: What functions are made of.
        known: Nets whose function is given: inputs and flops.
        free: Gives a function of its own to a net that nothing drives.
    """

    def __init__(
        self, circuit: Circuit, algebra: Algebra, known: Mapping[Bit, int], free: Callable[[Bit], int]
    ) -> None:
        self._circuit, self._algebra, self._free = circuit, algebra, free
        self._of = {**known, "0": 0, "1": algebra.inverse(0)}

    def of(self, net: Bit) -> int:
        """The function of a net."""
        found, cells, waiting = self._of, self._circuit.cells, [net]
        while waiting:
            at = waiting[-1]
            if at in found:
                waiting.pop()
            elif at not in cells:
                found[at] = self._free(at)
            else:
                kind, inputs = cells[at]
                if lacking := [bit for bit in inputs if bit not in found]:
                    waiting += lacking
                    if len(waiting) > 3 * len(cells) + 1:
                        raise FlowError("gates form a loop", hint=_HINT, code=ExitCode.BAD_INPUT)
                else:
                    found[at] = _GATES[kind](self._algebra, *(found[bit] for bit in inputs))
        return found[net]

    def next_of(self, net: Bit) -> int:
        """The function that the flop that drives a net takes over at its edge."""
        flop = self._circuit.flops[net]
        data = self.of(flop.data)
        if flop.enable is None:
            return data
        return _choose(self._algebra, self.of(net), data, self.of(flop.enable))


def _or(algebra: Algebra, a: int, b: int) -> int:
    return algebra.inverse(algebra.both(algebra.inverse(a), algebra.inverse(b)))


def _choose(algebra: Algebra, low: int, high: int, select: int) -> int:
    return _or(algebra, algebra.both(algebra.inverse(select), low), algebra.both(select, high))


def _differ(algebra: Algebra, a: int, b: int) -> int:
    return _choose(algebra, a, algebra.inverse(a), b)


_GATES: dict[str, Callable[..., int]] = {
    "$_BUF_": lambda algebra, a: a,
    "$_NOT_": lambda algebra, a: algebra.inverse(a),
    "$_AND_": lambda algebra, a, b: algebra.both(a, b),
    "$_OR_": _or,
    "$_NAND_": lambda algebra, a, b: algebra.inverse(algebra.both(a, b)),
    "$_NOR_": lambda algebra, a, b: algebra.inverse(_or(algebra, a, b)),
    "$_XOR_": _differ,
    "$_XNOR_": lambda algebra, a, b: algebra.inverse(_differ(algebra, a, b)),
    "$_MUX_": _choose,
}
