"""Whether a function of several variables follows one of them, opposes it, or may do either."""

__all__ = ["sense"]

from signoff.timing.cells import Expr, variables


def sense(e: Expr, name: str) -> int:
    """1 if an expression only rises when `name` does, -1 if it only falls, 0 if it may do either."""
    found = _senses(e, name)
    return found.pop() if len(found) == 1 else 0


def _senses(e: Expr, name: str) -> set[int]:
    if isinstance(e, str):
        return {1} if e == name else set()
    op, *args = e
    if op == "not":
        return {-s for s in _senses(args[0], name)}
    if op == "mux" and name in variables(args[0]):
        return {1, -1}
    found = set().union(*(_senses(a, name) for a in args)) if args else set()
    return {1, -1} if op == "xor" and found else found
