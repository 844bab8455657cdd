"""What a standard cell does, from the kit's functional Verilog."""

__all__ = ["Cell", "Expr", "Flop", "Gate", "flatten", "load_cells", "parse_cell", "variables"]

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rtl_gen.cells import functional_model
from rtl_gen.errors import FlowError

# A pin's name; or an operator and what it works on: not, and, or, xor, mux (select, at 0, at 1), 0, 1.
Expr = str | tuple[Any, ...]

_GATE = re.compile(r"^\s*([\w$]+)\s+(?:`UNIT_DELAY\s+)?\w+\s*\(([^;]*)\)\s*;", re.M)
_PORT = re.compile(r"^\s*(input|output)\s+(\w+)\s*;", re.M)
_BASES = {"and": "and", "nand": "and", "or": "or", "nor": "or", "xor": "xor", "xnor": "xor"}


@dataclass(frozen=True)
class Flop:
    """A rising-edge flop.

    Attributes:
        clock, data: Pins.
        state: Name of the internal node that outputs are functions of.
        clear, preset: When it is forced to 0 or 1; None when it cannot be.
    """

    clock: str
    data: Expr
    state: str
    clear: Expr | None = None
    preset: Expr | None = None


@dataclass(frozen=True)
class Gate:
    """A clock gate: the output follows `clock` in those high phases at whose start `enable` is 1."""

    clock: str
    enable: Expr


@dataclass(frozen=True)
class Cell:
    """A cell.

    Attributes:
        outputs: What each output is, as a function of inputs and of the flop's state; a clock gate's
            output is its clock.
        storage: The flop or clock gate that it is; None for a cell without memory.
    """

    name: str
    inputs: tuple[str, ...]
    outputs: Mapping[str, Expr]
    storage: Flop | Gate | None = None


def load_cells(names: Collection[str], folder: Path) -> dict[str, Cell]:
    """Cells by full name (library prefix and size included).

    Args:
        names: Such as `sky130_fd_sc_hd__nand2_1`.
        folder: Of the kit's cells: `<cell>/<full name>.functional.v`.

    Raises:
        FlowError: A cell has no model, or one that is not understood.
    """
    out = {}
    for name in sorted(names):
        text, path = functional_model(folder, name)
        out[name] = parse_cell(text, name, str(path))
    return out


def parse_cell(text: str, name: str, where: str = "") -> Cell:
    """A cell from the text of its functional model.

    Raises:
        FlowError: The model holds something other than gates, known primitives and at most one storage.
    """
    text = re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.S)
    ports = _PORT.findall(text)
    inputs = tuple(sorted(p for kind, p in ports if kind == "input"))
    drivers: dict[str, tuple[str, list[str]]] = {}
    storage: list[tuple[str, str, list[str]]] = []
    for kind, args in _GATE.findall(text):
        if kind == "module":
            continue
        out, *ins = (a.strip() for a in args.split(","))
        primitive = kind.partition("__udp_")[2] or kind
        if primitive.startswith(("dff", "dlatch")):
            storage.append((primitive, out, ins))
        else:
            drivers[out] = (primitive, ins)
    states = {out for _, out, _ in storage}

    def expression(net: str) -> Expr:
        if net in inputs or net in states:
            return net
        if net not in drivers:
            raise _strange(name, where, f"nothing drives {net}")
        kind, ins = drivers[net]
        return _apply(kind, [expression(i) for i in ins], name, where)

    outputs = {p: expression(p) for kind, p in ports if kind == "output"}
    if not storage:
        return Cell(name, inputs, outputs)
    if len(storage) > 1:
        raise _strange(name, where, "more than one storage")
    (kind, state, ins), known = storage[0], [expression(i) for i in storage[0][2]]
    if kind == "dlatch$P" and len(outputs) == 1:
        (pin, out), clock = next(iter(outputs.items())), _inverted(known[1])
        if isinstance(clock, str) and out == ("and", state, clock):
            return Cell(name, inputs, {pin: clock}, Gate(clock, known[0]))
    forced = {"dff$P": (), "dff$PR": ("clear",), "dff$PS": ("preset",), "dff$NSR": ("preset", "clear")}
    if kind not in forced or not isinstance(known[1 if kind != "dff$NSR" else 2], str):
        raise _strange(name, where, f"its storage {kind} is neither a rising-edge flop nor a clock gate")
    if kind == "dff$NSR":
        preset, clear, clk, data = known
        return Cell(name, inputs, outputs, Flop(str(clk), data, state, clear, preset))
    extra = dict(zip(forced[kind], known[2:], strict=True))
    return Cell(name, inputs, outputs, Flop(str(known[1]), known[0], state, **extra))


def variables(e: Expr) -> set[str]:
    """Names in an expression."""
    return {e} if isinstance(e, str) else set().union(*(variables(x) for x in e[1:]))


def flatten(e: Expr, names: Mapping[str, str], *, mux: bool) -> str:
    """Text of an expression with Verilog's (and liberty's) operators.

    Args:
        names: Replacement of each variable.
        mux: Whether to write multiplexers as `s ? a : b`, which liberty does not know.
    """
    if isinstance(e, str):
        return names[e]
    op, *args = e
    texts = [flatten(a, names, mux=mux) for a in args]
    if op in ("0", "1"):
        return f"1'b{op}" if mux else op
    if op == "not":
        return f"!{texts[0]}"
    if op == "mux":
        s, a, b = texts
        return f"({s} ? {b} : {a})" if mux else f"(({s} & {b}) | (!{s} & {a}))"
    return f"({f' {_SIGN[op]} '.join(texts)})"


_SIGN = {"and": "&", "or": "|", "xor": "^"}


def _apply(kind: str, args: list[Expr], name: str, where: str) -> Expr:
    if kind == "buf":
        return args[0]
    if kind == "not":
        return _inverted(args[0])
    if kind in ("pullup", "pulldown"):
        return ("1" if kind == "pullup" else "0",)
    if kind == "mux_2to1":
        return ("mux", args[2], args[0], args[1])
    if kind == "mux_2to1_N":
        return _inverted(("mux", args[2], args[0], args[1]))
    if kind == "mux_4to2":
        a0, a1, a2, a3, s0, s1 = args
        return ("mux", s1, ("mux", s0, a0, a1), ("mux", s0, a2, a3))
    if kind not in _BASES:
        raise _strange(name, where, f"it uses {kind}")
    found: Expr = (_BASES[kind], *args)
    return found if kind == _BASES[kind] else _inverted(found)


def _inverted(e: Expr) -> Expr:
    return e[1] if isinstance(e, tuple) and e[0] == "not" else ("not", e)


def _strange(name: str, where: str, why: str) -> FlowError:
    return FlowError(
        f"the model of {name} is not understood: {why}",
        where=where,
        hint="Keep the cell out of the netlist (`dontuse`), or teach signoff/timing/cells.py.",
    )
