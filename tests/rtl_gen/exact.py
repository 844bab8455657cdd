"""The arithmetic of docs/arithmetic.md in Python's integers, one element after another: slow, and never wrong
by a width."""

__all__ = ["feed"]

from rtl_gen.golden.adapter import Pair
from rtl_gen.golden.matrix import Matrix
from rtl_gen.golden.model import Model

KINDS = ("q", "k", "v", "o", "gate", "up", "down")


def half_up(value: int, shift: int) -> int:
    return value << -shift if shift <= 0 else (value + (1 << (shift - 1))) >> shift


def clamp(value: int, bits: int) -> int:
    return max(-(1 << (bits - 1)), min((1 << (bits - 1)) - 1, value))


def mantissas(x: list[int], bits: int = 8) -> tuple[list[int], int]:
    exponent = max(0, max(map(abs, x)).bit_length() - (bits - 1))
    return [clamp(half_up(v, exponent), bits) for v in x], exponent


def product(m: Matrix, given: tuple[list[int], int], bits: int, pair: Pair | None = None) -> list[int]:
    x, exponent = given
    f, out = m.factors, []
    inner = [] if pair is None else product(pair.a, (x, 0), 8)
    for o, row in enumerate(m.codes.tolist()):
        total = sum(c * v for c, v in zip(row, x, strict=True))
        if pair is not None:
            total += sum(c * v for c, v in zip(pair.b[o].tolist(), inner, strict=True))
        assert abs(total) < 1 << 23
        shift = f.shift + int(f.exponent[o]) - exponent
        out.append(clamp(half_up(total * int(f.mantissa[o]), shift), bits))
    return out


def normalise(total: int) -> tuple[int, int, int]:
    assert 0 < total < 1 << 40
    count = 0
    while total << (2 * (count + 1)) < 1 << 40:
        count += 1
    top = total << (2 * count)
    return (top >> 33) - 32, top >> 25 & 255, count


def between(table: list[int], index: int, rest: int, bits: int) -> int:
    return table[index] + ((table[index + 1] - table[index]) * rest >> bits)


def norm(m: Model, x: list[int]) -> tuple[list[int], int]:
    small, e = mantissas(x, 12)
    index, rest, count = normalise(sum(v * v for v in small) + max(1, m.norm_epsilon >> (2 * e)))
    root = between(m.tables.rsqrt.tolist(), index, rest, 8)
    return mantissas([clamp(half_up(v * root, 19 + e - count), 16) for v in x])


def turn(x: list[int], coefficients: list[list[int]]) -> list[int]:
    out = []
    for (a, b), (c, s) in zip(zip(x[0::2], x[1::2], strict=True), coefficients, strict=True):
        out += [clamp(half_up(v, 11), 16) for v in (a * c - b * s, a * s + b * c)]
    return out


def power(m: Model, distance: int) -> int:
    return between(m.tables.exp2.tolist(), distance >> 3 & 31, distance & 7, 3) >> min(distance >> 8, 15)


def hidden(m: Model, gate: list[int], up: list[int], unit: int) -> tuple[list[int], int]:
    out = []
    for g, u in zip(gate, up, strict=True):
        size, step = min(abs(g), (8 << unit) - 1), unit - 3
        s = between(m.tables.sigmoid.tolist(), size >> step, size & ((1 << step) - 1), step)
        out.append(clamp(half_up(half_up(g * (32768 - s if g < 0 else s), 15) * u, 7), 24))
    first, order = 0, m.hadamard
    if order > 1:
        out, first = mantissas(out, 18)
        mixed = []
        for i in range(len(out)):
            block = out[i // order * order : (i // order + 1) * order]
            mixed.append(sum(v if (i % order & j).bit_count() % 2 == 0 else -v for j, v in enumerate(block)))
        out = mixed
        assert all(abs(v) <= 1 << 23 for v in out)
    small, exponent = mantissas(out)
    return small, first + exponent


def feed(
    m: Model, tokens: list[int], pairs: dict[str, Pair] | None = None
) -> tuple[list[list[int]], list[list[int]]]:
    """Residuals after the last layer, and logits, of each position; `pairs` are an adapter's."""
    pairs = pairs or {}
    s = m.shape
    cache: list[list[tuple]] = [[] for _ in m.layers]
    residuals, logits = [], []
    for t, token in enumerate(tokens):
        f = m.embed.factors
        shift = f.shift + int(f.exponent[token])
        x = [clamp(half_up(c * int(f.mantissa[token]), shift), 24) for c in m.embed.codes[token].tolist()]
        for n, layer in enumerate(m.layers):
            given, d = norm(m, x), s.head_dim
            pair = {kind: pairs.get(f"layers.{n}.{kind}") for kind in KINDS}
            q, k, v = (product(getattr(layer, kind), given, 16, pair[kind]) for kind in "qkv")
            at = m.tables.rotary[t].tolist()
            heads = [mantissas(turn(q[h * d : (h + 1) * d], at)) for h in range(s.heads)]
            cache[n].append(
                [
                    (mantissas(turn(k[h * d : (h + 1) * d], at)), mantissas(v[h * d : (h + 1) * d]))
                    for h in range(s.kv_heads)
                ]
            )
            out = []
            for h, (query, eq) in enumerate(heads):
                seen = [position[h // (s.heads // s.kv_heads)] for position in cache[n]]
                scores = []
                for (key, ek), _ in seen:
                    raw = sum(a * b for a, b in zip(query, key, strict=True))
                    scores.append(clamp(half_up(raw, layer.score_shift - eq - ek), 24))
                e = [power(m, min(max(scores) - c, 65535)) for c in scores]
                index, rest, count = normalise(sum(e))
                scale = between(m.tables.recip.tolist(), index, rest, 8)
                top = max(ev for _, (_, ev) in seen)
                p = [
                    min(half_up(a * scale, min(39 - 2 * count + top - ev, 47)), 16383)
                    for a, (_, (_, ev)) in zip(e, seen, strict=True)
                ]
                for i in range(d):
                    # Two passes of 7-bit digits.
                    high = sum((a >> 7) * value[i] for a, (_, (value, _)) in zip(p, seen, strict=True))
                    low = sum((a & 127) * value[i] for a, (_, (value, _)) in zip(p, seen, strict=True))
                    total = (high << 7) + low
                    assert abs(total) < 1 << 23
                    out.append(clamp(half_up(total, 14 - top), 16))
            x = [
                clamp(a + b, 24)
                for a, b in zip(x, product(layer.o, mantissas(out), 24, pair["o"]), strict=True)
            ]
            given = norm(m, x)
            gate, up = (product(getattr(layer, kind), given, 16, pair[kind]) for kind in ("gate", "up"))
            added = product(layer.down, hidden(m, gate, up, layer.gate_unit), 24, pair["down"])
            x = [clamp(a + b, 24) for a, b in zip(x, added, strict=True)]
        residuals.append(x)
        a = norm(m, x)
        logits.append(product(m.head, mantissas(product(m.final, a, 16)) if m.final else a, 24))
    return residuals, logits
