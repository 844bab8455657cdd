"""What a vec tile does in a layer, row by row."""

__all__ = ["LESS8", "LESS12", "Layers", "lines"]

from typing import Any

from metal_configs.compile.program.caches import Caches
from metal_configs.compile.program.contents import Contents
from metal_configs.compile.program.rows import Rows
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.formats import (
    NORM_SHIFT,
    PROBABILITY,
    PROBABILITY_DIGIT,
    PRODUCT_SHIFT,
    ROTARY,
    SCORE_FRACTION,
    SQUARES,
    WORD,
)
from rtl_gen.golden.matrix import Matrix
from rtl_gen.golden.model import Layer
from rtl_gen.golden.vec import SIGMOID_REST
from rtl_gen.golden.vec_isa import (
    BLOCK,
    LINE,
    Dest,
    Element,
    Factor,
    Kind,
    Op,
    Place,
    Post,
    Reduce,
    Register,
    RomWalk,
    Table,
    Value,
    Walk,
    Width,
    Write,
    X,
    joining,
    special,
)
from rtl_gen.golden.vector import EXP_INDEX, REST

MEMORY = 1 << 12  # words of M that a row of the program can address
LESS8, LESS12, LESS18 = range(3)


def lines(words: int) -> int:
    """Words of M that so many take, in whole lines."""
    return -(-words // LINE) * LINE


class Layers:
    """Writes rows for the layers of a model, and for what its head shares with them.

    Attributes:
        x, j, e, w: In M the residual; sums that are joined; exponents of keys and values; what changes from
            step to step.
        memory: Words of M.

    Raises:
        FlowError: M is too small.
    """

    def __init__(self, contents: Contents, caches: Caches, rows: Rows) -> None:
        self.contents, self.caches, self.rows = contents, caches, rows
        self.model = m = contents.model
        s = m.shape
        self.x, self.j = 0, lines(s.dim)
        self.e = self.j + BLOCK
        self.w = self.e + lines(m.positions)
        heads = 2 * lines(s.q_dim) + 2 * lines(s.kv_dim) + lines(s.head_dim) + 2 * lines(m.positions)
        self.memory = self.w + max(
            2 * lines(s.dim), heads, 3 * lines(s.hidden), lines(s.dim) + 2 * lines(s.vocab)
        )
        if self.memory > MEMORY:
            raise FlowError(
                f"the memory of the vec tile is too small: {self.memory:,} words are needed, {MEMORY:,} are"
                " there",
                hint="Take fewer positions (--context), or a smaller model.", code=ExitCode.USAGE,
            )  # fmt: skip

    def norm(self, name: str) -> None:
        """The residual, normalised, as what `name` multiplies."""
        m, n = self.model, self.model.shape.dim
        self.rows.control(Kind.ACCUMULATE, epsilon=m.norm_epsilon, sync=True)
        self.rows.vector(
            n, self.x, self.w, plus=Register.RESIDUAL, width=Width.SQUARE, dest=Dest.MEMORY,
        )  # fmt: skip
        self.rows.then(n, self.w, 0, factor=Factor.A, width=Width.SUM, reduce=Reduce.SUM)
        self._reciprocal("rsqrt")
        self.rows.vector(
            n, self.x, self.w, factor=Factor.R, shift=NORM_SHIFT, plus=Register.RESIDUAL,
            minus=Register.SHIFTS,
            width=Width.WORD, dest=Dest.MEMORY, reduce=Reduce.LARGEST, clear=1, to=Register.INPUT, less=LESS8,
        )  # fmt: skip
        self.activations(name, n, self.w, Register.INPUT)

    def _reciprocal(self, table: str) -> None:
        """R and SHIFTS, from the accumulator."""
        self.rows.control(Kind.NORMALISE, sync=True)
        self.rows.vector(
            1, 0, 0, value=Value.DELTA, special=special(table=Table.NORMAL), rom=self.contents.at[table],
            shift=REST,
            width=Width.SUM, dest=Dest.R,
        )  # fmt: skip

    def activations(self, name: str, n: int, a: int, exponent: Register) -> None:
        """Words as mantissas for the rows of tiles that multiply them."""
        self.rows.vector(
            n, a, 0, b=self.contents.each(name), plus=exponent, width=Width.MANTISSA, dest=Dest.ROM_BYTES
        )

    def times(self, name: str, matrix: Matrix, d: int, **fields: Any) -> None:
        """A matrix by the activations; its words to `d`. `fields` are those of the last row of each block."""
        f, at = matrix.factors, self.contents.at[name]
        first = True
        clear = fields.pop("clear", 0)
        residual = fields.pop("residual", None)
        for number, block in enumerate(self.contents.array.blocks(name)):
            off = BLOCK * number
            parts = block.chunks[0][0].parts
            for p in parts:
                # Planes share rows, so several passes may begin a sum: only the first of them does.
                join = joining(begin=p is parts[0], high=p.plane.scale == 4, left=p.shift)
                common: dict[str, Any] = {
                    "value": Value.JOIN,
                    "special": join,
                    "n": min(BLOCK, len(matrix.codes) - off),
                }
                if p is not parts[-1]:
                    self.rows.row(Op.DRAIN, a=self.j, d=self.j, width=Width.SUM, dest=Dest.MEMORY, **common)
                else:
                    extra: dict[str, Any] = (
                        {} if residual is None else {"b": residual + off, "post": Post.ADD}
                    )
                    self.rows.row(
                        Op.DRAIN, a=self.j, d=d + off, factor=Factor.ROM, rom=at + off, element=Element.ROM,
                        shift=f.shift, dest=Dest.MEMORY, clear=clear and number == 0, **common, **extra,
                        **fields,
                    )  # fmt: skip
                self.rows.row(
                    Op.STEPS, sync=first, row=block.row + p.row, plane=p.plane.number, n=p.rows, x=X.PAIRS,
                    offset=p.first // 2, drain=1,
                )  # fmt: skip
                first = False

    def largest(self, to: Register, less: int = LESS8, *, clear: bool = True) -> dict[str, Any]:
        return {"reduce": Reduce.LARGEST, "to": to, "less": less, "clear": clear}

    def attention(self, number: int, layer: Layer) -> None:
        s, p = self.model.shape, f"layers.{number}."
        q = self.w
        k = q + lines(s.q_dim)
        v = k + lines(s.kv_dim)
        mix = v + lines(s.kv_dim)
        self.norm(p + "q")
        for kind, d in (("q", q), ("k", k), ("v", v)):
            self.times(p + kind, getattr(layer, kind), d, minus=Register.INPUT, width=Width.WORD)
        for g in range(s.kv_heads):
            self._remember(number, g, k + g * s.head_dim, v + g * s.head_dim, mix + lines(s.q_dim))
            for h in range(g * s.group, (g + 1) * s.group):
                self._attend(number, layer, g, q + h * s.head_dim, mix, h)
        self.activations(p + "o", s.q_dim, mix, Register.INPUT)
        self.times(
            p + "o", layer.o, self.x, minus=Register.INPUT, width=Width.SUM, residual=self.x,
            **self.largest(Register.RESIDUAL, LESS12),
        )  # fmt: skip

    def _rotate(self, a: int, d: int, to: Register) -> None:
        self.rows.vector(
            self.model.shape.head_dim, a, d, sync=False, walk=Walk.PAIR, factor=Factor.ROTARY,
            rom=self.contents.at["rotary"],
            rom_walk=RomWalk.ROTARY, shift=ROTARY - 1, width=Width.WORD, dest=Dest.MEMORY,
            **self.largest(to),
        )  # fmt: skip

    def _bytes(self, a: int, d: int, exponent: Register, *, sync: bool = True) -> None:
        """A head as mantissas for the ram tiles."""
        self.rows.vector(
            self.model.shape.head_dim,
            a,
            d,
            sync=sync,
            plus=exponent,
            width=Width.MANTISSA,
            dest=Dest.RAM_BYTES,
        )

    def _remember(self, number: int, g: int, k: int, v: int, scratch: int) -> None:
        """Key and value of the position to the ram tiles; then the exponents of all positions to E."""
        hd, place = self.model.shape.head_dim, self.caches
        self.rows.vector(hd, v, 0, width=Width.WORD, **self.largest(Register.VALUE))
        self._rotate(k, scratch, Register.KEY)
        self._bytes(v, hd, Register.VALUE)
        self._bytes(scratch, 0, Register.KEY, sync=False)
        tile, row = place.keys[number, g]
        only = 1 + self.contents.array.grid[0]
        self.rows.row(
            Op.STEPS, sync=True, only=only + tile, row=row, n=hd, write=Write.DOWN, place=Place.CHUNK,
            at_position=1,
            append=1,
        )  # fmt: skip
        of_values, value_row, column = place.values[number, g]
        self.rows.row(
            Op.STEPS, only=only + of_values, row=value_row, column=column, n=hd, offset=hd // 2,
            write=Write.ALONG,
            place=Place.POSITION,
        )  # fmt: skip
        self.rows.row(
            Op.DRAIN, value=Value.JOIN, special=joining(begin=True, high=False, left=0), n=BLOCK, d=self.e,
            width=Width.SUM, dest=Dest.MEMORY, reduce=Reduce.EXPONENTS, clear=1,
        )  # fmt: skip
        self.rows.row(
            Op.STEPS,
            only=only + tile,
            row=row + hd,
            n=1,
            x=X.ONE0,
            chunks=1,
            stride=hd + 1,
            drain=1,
        )

    def _attend(self, number: int, layer: Layer, g: int, q: int, mix: int, h: int) -> None:
        """One head: its words to `mix`."""
        s = self.model.shape
        hd = s.head_dim
        turned = mix + lines(s.q_dim)
        scores = turned + lines(hd)
        powers = scores + lines(self.model.positions)
        self._rotate(q, turned, Register.QUERY)
        self._bytes(turned, 0, Register.QUERY)
        tile, row = self.caches.keys[number, g]
        only = 1 + self.contents.array.grid[0]
        self.rows.row(
            Op.DRAIN, value=Value.JOIN, special=joining(begin=True, high=False, left=0), n=BLOCK, b=self.e,
            d=scores,
            shift=layer.score_shift, minus=Register.QUERY, element=Element.KEY, width=Width.SUM,
            dest=Dest.MEMORY,
            reduce=Reduce.MAXIMUM, clear=1,
        )  # fmt: skip
        self.rows.row(
            Op.STEPS, sync=True, only=only + tile, row=row, n=hd, x=X.BYTES, chunks=1, stride=hd + 1, drain=1
        )
        self.rows.vector(
            1, scores, powers, by_position=1, value=Value.DELTA, special=special(table=Table.EXP_DISTANCE),
            rom=self.contents.at["exp2"], shift=SCORE_FRACTION - EXP_INDEX, width=Width.SUM, dest=Dest.MEMORY,
            reduce=Reduce.SUM, clear=1,
        )  # fmt: skip
        self._reciprocal("recip")
        self.rows.vector(
            1, powers, 0, b=self.e, by_position=1, factor=Factor.R, shift=SQUARES - 1,
            plus=Register.LARGEST_VALUE, minus=Register.TWICE, element=Element.VALUE, width=Width.PROBABILITY,
            dest=Dest.RAM_DIGITS,
        )  # fmt: skip
        of_values, value_row, column = self.caches.values[number, g]
        steps: dict[str, Any] = {
            "only": only + of_values,
            "row": value_row,
            "column": column,
            "by_position": 1,
            "n": 1,
            "drain": 1,
        }
        self.rows.row(
            Op.DRAIN, value=Value.JOIN, special=joining(begin=True, high=False, left=PROBABILITY_DIGIT), n=hd,
            d=self.j, width=Width.SUM, dest=Dest.MEMORY,
        )  # fmt: skip
        self.rows.row(Op.STEPS, sync=True, x=X.HIGH, **steps)
        self.rows.row(
            Op.DRAIN, value=Value.JOIN, special=joining(begin=False, high=False, left=0), n=hd, a=self.j,
            d=mix + h * hd, shift=PROBABILITY, minus=Register.LARGEST_VALUE, width=Width.WORD,
            dest=Dest.MEMORY,
            aside=1, **self.largest(Register.INPUT, clear=h == 0),
        )  # fmt: skip
        self.rows.row(Op.STEPS, x=X.LOW, **steps)

    def mlp(self, number: int, layer: Layer) -> None:
        m, s, p = self.model, self.model.shape, f"layers.{number}."
        n = s.hidden
        gate, up, third = (self.w + k * lines(n) for k in range(3))
        self.norm(p + "gate")
        for kind, d in (("gate", gate), ("up", up)):
            self.times(p + kind, getattr(layer, kind), d, minus=Register.INPUT, width=Width.WORD)
        self.rows.then(
            n, gate, third, value=Value.DELTA,
            special=special(table=Table.SIGMOID, align=12 - layer.gate_unit), rom=self.contents.at["sigmoid"],
            shift=SIGMOID_REST, width=Width.SUM, dest=Dest.MEMORY,
        )  # fmt: skip
        self.rows.then(
            n, gate, gate, b=third, factor=Factor.SIGMOID, shift=WORD - 1, width=Width.WORD, dest=Dest.MEMORY
        )
        rotated = m.hadamard > 1
        largest = self.largest(Register.HIDDEN, LESS18) if rotated else self.largest(Register.INPUT)
        self.rows.then(
            n,
            gate,
            third,
            b=up,
            factor=Factor.B,
            shift=PRODUCT_SHIFT,
            width=Width.SUM,
            dest=Dest.MEMORY,
            **largest,
        )
        at, other = third, gate
        if rotated:
            self.rows.vector(n, third, gate, plus=Register.HIDDEN, width=Width.HADAMARD, dest=Dest.MEMORY)
            at, other = gate, third
            for stage in range(m.hadamard.bit_length() - 1):
                last = 2 << stage == m.hadamard
                self.rows.then(
                    n, at, other, b=at, ahead=1 << stage, value=Value.BUTTERFLY, walk=Walk.BUTTERFLY,
                    distance=stage,
                    width=Width.SUM,
                    dest=Dest.MEMORY, **(self.largest(Register.INPUT) if last else {}),
                )  # fmt: skip
                at, other = other, at
        self.activations(p + "down", n, at, Register.INPUT)
        both: dict[str, Any] = {"minus2": Register.HIDDEN} if rotated else {}
        self.times(
            p + "down", layer.down, self.x, minus=Register.INPUT, width=Width.SUM, residual=self.x, **both,
            **self.largest(Register.RESIDUAL, LESS12),
        )  # fmt: skip
