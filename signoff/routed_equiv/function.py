"""What a cell computes, in a form that two cells can be compared by, whatever their pins are called."""

__all__ = ["MOST", "functions", "is_sized", "role", "table"]

from collections.abc import Mapping, Sequence

from signoff.timing.cells import Cell, Expr, Flop, Gate

Source = tuple[str, bool]  # what a pin is driven by, behind buffers and inverters, and whether it is inverted
ONE = "1"  # the source of constants
STATE = "state"  # of a flop, as a variable
MOST = 12  # variables of a table


def role(cell: Cell) -> str:
    """ "buffer", "inverter", "tie", "nothing" (no outputs), "flop", "gate" (of a clock) or "logic"."""
    if cell.storage is not None:
        return "flop" if isinstance(cell.storage, Flop) else "gate"
    if not cell.outputs:
        return "nothing"
    if all(e in (("0",), ("1",)) for e in cell.outputs.values()):
        return "tie"
    if len(cell.outputs) == 1:
        (e,) = cell.outputs.values()
        if isinstance(e, str):
            return "buffer"
        if e[0] == "not" and isinstance(e[1], str):
            return "inverter"
    return "logic"


def is_sized(a: Cell, b: Cell) -> bool:
    """Whether two cells are one but for their strength: the same functions of pins with the same names."""
    return (a.inputs, a.outputs, a.storage) == (b.inputs, b.outputs, b.storage)


def functions(cell: Cell) -> dict[str, Expr]:
    """All that a cell's behaviour depends on, by name: outputs, and what its storage takes and when."""
    found: dict[str, Expr] = dict(cell.outputs)
    store = cell.storage
    if isinstance(store, Gate):
        found |= {"clock": store.clock, "enable": store.enable}
    elif isinstance(store, Flop):
        found = {pin: _renamed(e, store.state) for pin, e in found.items()}
        found |= {"clock": store.clock, "data": _renamed(store.data, store.state)}
        for name, e in (("clear", store.clear), ("preset", store.preset)):
            if e is not None:
                found[name] = e
    return found


def _renamed(e: Expr, state: str) -> Expr:
    if isinstance(e, str):
        return STATE if e == state else e
    return (e[0], *(_renamed(x, state) for x in e[1:]))


def table(e: Expr, sources: Mapping[str, Source], nodes: Sequence[str]) -> int:
    """Truth table of an expression whose variables are pins: bit `r` is its value when bit `n` of `r` is the
    value of `nodes[n]`."""
    ones = (1 << (1 << len(nodes))) - 1

    def value(e: Expr) -> int:
        if isinstance(e, str):
            node, inverted = (STATE, False) if e == STATE else sources[e]
            if node == ONE:
                return 0 if inverted else ones
            n = nodes.index(node)
            # 2^n zeros and 2^n ones by turns
            mask = ones // ((1 << (1 << n)) + 1) << (1 << n)
            return mask ^ ones if inverted else mask
        op, *args = e
        if op in ("0", "1"):
            return ones if op == "1" else 0
        values = [value(a) for a in args]
        if op == "not":
            return values[0] ^ ones
        if op == "mux":
            select, low, high = values
            return (select & high) | (~select & low)
        found = values[0]
        for v in values[1:]:
            found = found & v if op == "and" else found | v if op == "or" else found ^ v
        return found

    return value(e)
