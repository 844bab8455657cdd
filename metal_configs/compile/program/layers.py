"""What a vec tile does in a layer, row by row."""

__all__ = ["Layers", "Most"]

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from metal_configs.compile.program.adapted import Adapted
from metal_configs.compile.program.attention import (
    BEGIN,
    LESS8,
    LESS12,
    LESS18,
    Attention,
    Words,
    largest,
    lines,
    reciprocal,
)
from metal_configs.compile.program.caches import Caches, Room
from metal_configs.compile.program.contents import Contents
from metal_configs.compile.program.rows import Rows
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.formats import (
    NORM_SHIFT,
    PRODUCT_SHIFT,
    WORD,
)
from rtl_gen.golden.matrix import Matrix
from rtl_gen.golden.model import Layer
from rtl_gen.golden.vec_isa import (
    BLOCK,
    CONTEXTS,
    LINE,
    STEPS,
    Dest,
    Element,
    Factor,
    Kind,
    Op,
    Post,
    Reduce,
    Register,
    Sync,
    Table,
    Value,
    Walk,
    Width,
    X,
    joining,
    special,
)
from rtl_gen.golden.vec_tables import SIGMOID_REST

MEMORY = 1 << 12  # words of M that a row of the program can address
OFFSETS = 1 << STEPS["offset"]  # words of two bytes of a bank of A that a pass can begin at
SLICE = 256  # elements of SwiGLU that are done together where M has no room for a third vector


@dataclass(frozen=True)
class Most:
    """What a vec tile has; without more said, what rows of the program can address.

    Attributes:
        memory: Words of M.
        ram_bytes: Activations of ram tiles.
    """

    memory: int = MEMORY
    ram_bytes: int = 2 * OFFSETS


class Layers:
    """Writes rows for layers of a model, and for what its head shares with them.

    Attributes:
        x, j, e, w: In M the residual; sums that are joined; exponents of keys and values; what changes from
            step to step.
        kept: In M what was the token, while it says where values lie; None if that does not matter.
        beside: Heads that are worked on side by side.
        memory: Words of M.
        ram_bytes: Activations of ram tiles.

    Raises:
        FlowError: M is too small.
    """

    def __init__(
        self,
        contents: Contents,
        caches: Caches,
        rows: Rows,
        ranks: Mapping[str, int],
        room: Room,
        most: Most,
    ) -> None:
        self.contents, self.caches, self.rows = contents, caches, rows
        self.model = m = contents.model
        s = m.shape
        part = contents.part
        # A later die of the head has two logits beside the words that it multiplies.
        self.x, self.j = 0, lines(s.dim + (LINE + 1 if part.greedy and part.chooses.start else 0))
        self.e = self.j + BLOCK
        free = self.e + (lines(m.positions) if part.layers else 0)
        self.kept = None
        if caches.span < m.positions and not part.first:
            self.kept = free
            free += LINE
        self.adapted = Adapted.of(rows, m, ranks, room, self.j, free)
        self.w = self.adapted.memory
        self.slice = s.hidden
        if self.w + 3 * lines(s.hidden) > MEMORY:
            self.slice = min(SLICE, s.hidden)
        # As many heads side by side as there is room for.
        self.beside = min(s.group, CONTEXTS)
        while self.beside > 1 and (
            self._bytes(self.beside) > max(most.ram_bytes, self._bytes(1))
            or self._words(self.beside) > max(most.memory, self._words(1))
        ):
            self.beside -= 1
        self.memory = self._words(self.beside)
        sent = 0 if part.last else s.dim + bool(part.chooses)
        cached, in_turn = self._bytes(self.beside) if part.layers else 0, False
        if cached > most.ram_bytes:
            cached, in_turn = max(2 * caches.span, s.head_dim), True
        self.ram_bytes = max(cached, self.adapted.bytes_, sent)
        self.heads = Attention(contents, caches, rows, self.beside, in_turn=in_turn)
        if self.memory > MEMORY:
            raise FlowError(
                f"the memory of the vec tile is too small: {self.memory:,} words are needed, {MEMORY:,} are"
                " there",
                hint="Take fewer positions (--context), or a smaller model.", code=ExitCode.USAGE,
            )  # fmt: skip

    def _bytes(self, beside: int) -> int:
        """Activations of ram tiles with so many heads side by side: probabilities; or queries, key, value."""
        return max(2 * beside * self.caches.span, (2 + beside) * self.model.shape.head_dim)

    def _words(self, beside: int) -> int:
        """Words of M with so many heads side by side."""
        m, s, part = self.model, self.model.shape, self.contents.part
        kept = LINE if part.greedy else lines(s.vocab)
        choice = lines(s.dim) + kept if part.chooses else 0
        if not part.layers:
            return self.w + max(2 * lines(s.dim), choice)
        heads = 2 * lines(s.q_dim) + 2 * lines(s.kv_dim) + beside * lines(m.positions)
        gated = 2 * lines(s.hidden) + lines(self.slice)
        return self.w + max(2 * lines(s.dim), heads, gated, choice)

    def norm(self, name: str) -> None:
        """The residual, normalised, as what `name` multiplies."""
        m, n = self.model, self.model.shape.dim
        self.rows.begin("norms")
        # The accumulator is set while squares' mantissas pass; these wait for all before them, so that the
        # exponent of the residual is there for it.
        self.rows.vector(
            n, self.x, self.w, plus=Register.RESIDUAL, width=Width.SQUARE, dest=Dest.MEMORY,
            sync=Sync.WRITTEN,
        )  # fmt: skip
        self.rows.control(Kind.ACCUMULATE, epsilon=m.norm_epsilon)
        self.rows.vector(n, self.w, 0, factor=Factor.A, width=Width.SUM, reduce=Reduce.SUM)
        reciprocal(self.rows, self.contents.at["rsqrt"])
        self.rows.vector(
            n, self.x, self.w, factor=Factor.R, shift=NORM_SHIFT, plus=Register.RESIDUAL,
            minus=Register.SHIFTS,
            width=Width.WORD, dest=Dest.MEMORY, **largest(Register.INPUT),
        )  # fmt: skip
        self.activations(name, n, self.w, Register.INPUT)

    def activations(self, name: str, n: int, a: int, exponent: Register) -> None:
        """Words as mantissas for the rows of tiles that multiply them, and for an adapter's A."""
        self.rows.vector(
            n, a, 0, b=self.contents.each(name), plus=exponent, width=Width.MANTISSA, dest=Dest.ROM_BYTES
        )
        if "." in name:
            self.adapted.inner(name, n, a, exponent)

    def times(self, name: str, matrix: Matrix, d: int, **fields: Any) -> None:
        """A matrix by the activations; its words to `d`. `fields` are those of the last row of each block."""
        f, at = matrix.factors, self.contents.at[name]
        self.rows.begin("matrices")
        clear, dest = fields.pop("clear", 0), fields.pop("dest", Dest.MEMORY)
        residual = fields.pop("residual", None)
        for number, block in enumerate(self.contents.array.blocks(name)):
            off = BLOCK * number
            parts = block.chunks[0][0].parts
            outer = self.adapted.outer(name, number)
            if outer is not None:
                self.rows.row(
                    Op.DRAIN, value=Value.JOIN, special=BEGIN, n=min(BLOCK, len(matrix.codes) - off),
                    a=self.j, d=self.j, width=Width.SUM, dest=Dest.MEMORY,
                )  # fmt: skip
                self.rows.row(Op.STEPS, drain=1, **outer)
            for p in parts:
                # Planes share rows, so several passes may begin a sum: only the first of them does.
                begin = p is parts[0] and outer is None
                join = joining(begin=begin, high=p.plane.scale == 4, left=p.shift)
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
                        shift=f.shift, dest=dest, clear=clear and number == 0, **common, **extra,
                        **fields,
                    )  # fmt: skip
                self.rows.row(
                    Op.STEPS, row=block.row + p.row, plane=p.plane.number, n=p.rows, x=X.PAIRS,
                    offset=p.first // 2, drain=1,
                )  # fmt: skip

    def attention(self, number: int, layer: Layer) -> None:
        s, p = self.model.shape, f"layers.{number}."
        q = self.w
        k = q + lines(s.q_dim)
        v = k + lines(s.kv_dim)
        mix = v + lines(s.kv_dim)
        self.norm(p + "q")
        for kind, d in (("k", k), ("v", v), ("q", q)):  # the key is met first
            self.times(p + kind, getattr(layer, kind), d, minus=Register.INPUT, width=Width.WORD)
        at = Words(q, k, v, mix, mix + lines(s.q_dim), self.e)
        self.rows.begin("attention")
        if number == self.contents.part.layers[0] and self.heads.parts.count > 1:
            self.heads.parts.find(at.scores, self.kept)
        self.heads.heads(number, layer.score_shift, at)
        self.activations(p + "o", s.q_dim, mix, Register.INPUT)
        self.times(
            p + "o", layer.o, self.x, minus=Register.INPUT, width=Width.SUM, residual=self.x,
            **largest(Register.RESIDUAL, LESS12),
        )  # fmt: skip

    def mlp(self, number: int, layer: Layer) -> None:
        m, s, p = self.model, self.model.shape, f"layers.{number}."
        n = s.hidden
        gate, up, third = (self.w + k * lines(n) for k in range(3))
        self.norm(p + "gate")
        for kind, d in (("gate", gate), ("up", up)):
            self.times(p + kind, getattr(layer, kind), d, minus=Register.INPUT, width=Width.WORD)
        self.rows.begin("swiglu")
        rotated = m.hadamard > 1
        # With room for a third vector the product goes there, else over the gate.
        whole = self.slice == n
        product = third if whole else gate
        for off in range(0, n, self.slice):
            count = min(self.slice, n - off)
            self.rows.vector(
                count, gate + off, third, value=Value.DELTA,
                special=special(table=Table.SIGMOID, align=12 - layer.gate_unit),
                rom=self.contents.at["sigmoid"], shift=SIGMOID_REST, width=Width.SUM, dest=Dest.MEMORY,
            )  # fmt: skip
            self.rows.vector(
                count, gate + off, gate + off, b=third, factor=Factor.SIGMOID, shift=WORD - 1,
                width=Width.WORD, dest=Dest.MEMORY,
            )  # fmt: skip
            to, less = (Register.HIDDEN, LESS18) if rotated else (Register.INPUT, LESS8)
            self.rows.vector(
                count, gate + off, product + off, b=up + off, factor=Factor.B, shift=PRODUCT_SHIFT,
                width=Width.SUM, dest=Dest.MEMORY, **largest(to, less, clear=off == 0),
            )  # fmt: skip
        at, other = product, gate if whole else up
        if rotated:
            self.rows.vector(n, at, other, plus=Register.HIDDEN, width=Width.HADAMARD, dest=Dest.MEMORY)
            at, other = other, at
            for stage in range(m.hadamard.bit_length() - 1):
                last = 2 << stage == m.hadamard
                self.rows.vector(
                    n, at, other, b=at, value=Value.BUTTERFLY, walk=Walk.BUTTERFLY,
                    distance=stage,
                    width=Width.SUM,
                    dest=Dest.MEMORY, **(largest(Register.INPUT) if last else {}),
                )  # fmt: skip
                at, other = other, at
        self.activations(p + "down", n, at, Register.INPUT)
        both: dict[str, Any] = {"minus2": Register.HIDDEN} if rotated else {}
        self.times(
            p + "down", layer.down, self.x, minus=Register.INPUT, width=Width.SUM, residual=self.x, **both,
            **largest(Register.RESIDUAL, LESS12),
        )  # fmt: skip
