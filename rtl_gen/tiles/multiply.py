"""A multiplier that leaves its product as two numbers, so that a register can stand before their sum."""

__all__ = ["carry_save"]

import heapq
import itertools
from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Module, Signal, Value


def carry_save(m: Module, value: Value, factor: Value, added: Sequence[Value]) -> tuple[Value, Value]:
    """Two numbers whose sum, as far as they are wide, is value * factor and all that is `added`.

    Booth's digits of 2 bits of the factor, then full adders, the numbers first that are there first.

    Args:
        m: Where the gates go.
        value, factor: Signed; the factor has an even number of bits.
        added: Numbers as wide as the product.
    """
    width = len(value) + len(factor)
    doubled = Cat(0, value, value[-1])  # twice the value, and a bit of the sign more
    # What is subtracted is the complement and one more, and a sign its complement, less one of its weight:
    # one number of all these.
    ones = [Value.cast(Const(0, 1))] * width
    weights = 0
    parts = []
    for at in range(0, len(factor), 2):
        below = factor[at - 1] if at else Const(0, 1)
        one, two, negative = (Signal(name=f"{name}{at}") for name in ("one", "two", "negative"))
        m.d.comb += [
            one.eq(factor[at] ^ below), two.eq((factor[at] == below) & (factor[at + 1] != below)),
            negative.eq(factor[at + 1]),
        ]  # fmt: skip
        part = Signal(len(value) + 1, name=f"part{at}")
        bits = len(part)
        m.d.comb += part.eq(
            (doubled[1:] & one.replicate(bits) | doubled[:-1] & two.replicate(bits))
            ^ negative.replicate(bits) ^ (1 << bits - 1)
        )  # fmt: skip
        ones[at] = negative
        weights -= 1 << (at + bits - 1)
        parts.append(Cat(Const(0, at), part)[:width])
    for n in range(len(factor) - 1, width):
        ones[n] = Const(weights >> n & 1, 1)
    assert weights % (1 << len(factor) - 1) == 0
    order = itertools.count()
    # By the full adders before them; those that are added come from registers, but are gated.
    numbers = [(0, next(order), n) for n in (Cat(ones), *added)] + [(1, next(order), n) for n in parts]
    heapq.heapify(numbers)
    while len(numbers) > 2:
        (_, _, a), (_, _, b), (late, n, c) = (heapq.heappop(numbers) for _ in range(3))
        total, carry = Signal(width, name=f"total{n}"), Signal(width, name=f"carry{n}")
        m.d.comb += [total.eq(a ^ b ^ c), carry.eq((a & b | c & (a ^ b)) << 1)]
        for number in (total, carry):
            heapq.heappush(numbers, (late + 1, next(order), number))
    return numbers[0][2], numbers[1][2]
