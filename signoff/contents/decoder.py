"""Reads a ROM as a decoder: takes its program apart and says where it is not the one of a model.

The program is followed as the chip runs it. What an instruction leaves in a memory is noted there by what it
stands for (element 3 of the second layer's query ..), and the next one must find what it works on; so rows
and addresses may be any, as long as they are right. Weights, factors and tables are read where the program
reads them.
"""

__all__ = ["read_decoder"]

from collections.abc import Callable

from rtl_gen.golden.core import CoreConfig
from rtl_gen.golden.decoder import RECIP_SHIFT
from rtl_gen.golden.isa import Condition, Op, Receive
from rtl_gen.golden.params import IntLayer, IntMatrix, IntModel
from rtl_gen.golden.sampling import DRAW_BITS
from signoff.contents.follow import FREE, Lost, Memory, Program, Tags
from signoff.contents.isa import MAXIMUM, PAIR, Word
from signoff.contents.rows import Rows

PAIRS = 8  # tokens of a row of the embedding
ADVANCE, RESTART = 1, 2


def read_decoder(rows: Rows, model: IntModel, core: CoreConfig) -> list[str]:
    """What is wrong, in words; empty if the ROM holds the model and nothing else.

    Args:
        rows: The ROM; what was read as what is noted in it.
        model: What it should hold.
        core: Sizes of the chip.
    """
    reader = _Reader(rows, model, core)
    faults = reader.p.faults
    try:
        reader.run()
    except Lost as e:
        return [*faults, str(e)]  # what was not reached is not stray
    stray = rows.stray()
    if len(stray):
        row, bit = stray[0]
        faults.append(f"row {row}: bit {bit} is 1 and means nothing ({len(stray)} such bits)")
    return faults


class _Reader:
    def __init__(self, rows: Rows, model: IntModel, core: CoreConfig) -> None:
        self.m, self.core = model, core
        self.p = Program(rows, core)
        self.a = Memory("A", core.activations)
        self.x = Memory("X", core.residual)
        self.kv = Memory("KV", core.cache)
        self.later: list[tuple[int, int, Tags]] = []  # reads of what is kept from token to token

    def run(self) -> None:
        m, s = self.m, self.m.shape
        for _ in range(4):
            self.p.take(Op.RECEIVE, imm=Receive.SEED)
        self.p.take(Op.RECEIVE, imm=Receive.BETA)
        self.p.take(Op.RECEIVE, imm=Receive.COUNT)
        prompt = self.p.at
        self.p.take(Op.RECEIVE, imm=Receive.TOKEN)
        token = self.p.at
        self._embed()
        for n, layer in enumerate(m.layers):
            self._norm(f"layers.{n}.attention")
            self._attention(n, layer)
            self._norm(f"layers.{n}.mlp")
            self._swiglu(n, layer)
        self.p.ahead(Condition.PROMPT_LEFT, "more")
        self._head()
        self._choose()
        self.p.take(Op.EMIT)
        for end in m.ends:
            self.p.ahead(Condition.END, "end", d=end)
        self.p.ahead(Condition.FULL, "end", d=s.context - 1)
        self.p.back(Condition.ALWAYS, token, n=ADVANCE)
        self.p.label("more")
        self.p.back(Condition.ALWAYS, prompt, n=ADVANCE)
        self.p.label("end")
        self.p.back(Condition.ALWAYS, 0, n=RESTART)
        for row, place, tags in self.later:
            self.p.need(self.kv, place, tags, row)

    def vector(self, what: str) -> Tags:
        return [(what, i) for i in range(self.m.shape.dim)]

    def _embed(self) -> None:
        m, s = self.m, self.m.shape
        self.p.factors(self.p.take(Op.FACTOR, rom=FREE).rom, m.embed.factors, "the embedding")
        word = self.p.take(Op.EMBED, rom=FREE, n=s.dim - 1, sh=m.embed.factors.shift, imm=FREE)
        for first in range(0, s.vocab, PAIRS):
            count = min(PAIRS, s.vocab - first)
            rom = word.rom + (first // PAIRS << word.imm)
            codes = self.p.codes(self.p.at - 1, "the embedding", rom, s.dim, count, pair=True)
            self.p.equal(
                self.p.at - 1, f"embedding from token {first} on", codes, m.embed.codes[first:][:count]
            )
        self.residual = "the embedding"
        self.p.put(self.x, 0, self.vector(self.residual))

    def _norm(self, name: str) -> None:
        s = self.m.shape
        self._squares()
        word = self.p.take(Op.SCALE_A, n=s.dim - 1, d=FREE, sh=self.m.norm_shift)
        self.normed = f"input of {name}"
        self.p.put(self.a, word.d, self.vector(self.normed))

    def _squares(self) -> None:
        self.p.take(Op.SUMSQ, n=self.m.shape.dim - 1, d=self.m.norm_init)
        self.p.need(self.x, 0, self.vector(self.residual))
        self.p.table(self.p.take(Op.RSQRT, rom=FREE).rom, "rsqrt", self.m.tables.rsqrt)

    def _passes(
        self, name: str, matrix: IntMatrix, source: Tags, op: Op, done: Callable[[Word, int, int], None],
        *, imm: int = 0, maximum: bool = False,
    ) -> None:  # fmt: skip
        """Passes of the engine over a matrix; `done(drain, first, outputs)` is called after each."""
        outputs, inputs = matrix.codes.shape
        first = 0
        while first < outputs:
            row = self.p.at
            work = self.p.take(Op.MATVEC, rom=FREE, a=FREE, n=inputs - 1)
            self.p.need(self.a, work.a, source)
            free = FREE if op in (Op.DRAIN_A, Op.DRAIN_KV, Op.DRAIN_ADD, Op.DRAIN_X) else 0
            drain = self.p.take(op, rom=FREE, d=free, n=FREE, sh=matrix.factors.shift, imm=FREE)
            pair, count = bool(drain.imm & PAIR), drain.n + 1
            wanted = (PAIR if pair else 0) | (imm if imm else 0) | (MAXIMUM if maximum and not first else 0)
            if drain.imm & ~PAIR != wanted & ~PAIR:
                self.p.wrong(self.p.at - 1, f"{op.name} has imm = {drain.imm}, expected {wanted}")
            slots = self.core.columns // (2 if pair else 1)
            if count > min(slots, outputs - first):
                raise Lost(f"row {self.p.at - 1}: {count} outputs of {name}, {outputs - first} are left")
            codes = self.p.codes(row, name, work.rom, inputs, count, pair=pair)
            self.p.equal(
                row, f"weights of {name} from output {first} on", codes, matrix.codes[first:][:count]
            )
            self.p.factors(drain.rom, matrix.factors.part(first, count), f"{name} from output {first} on")
            done(drain, first, count)
            first += count

    def _to_a(self, what: str) -> Callable[[Word, int, int], None]:
        return lambda word, first, count: self.p.put(
            self.a, word.d, [(what, first + i) for i in range(count)]
        )

    def _add(self, name: str, matrix: IntMatrix, source: Tags) -> None:
        """Add a matrix's outputs to the residual."""
        before, self.residual = self.residual, f"the residual after {name}"

        def done(word: Word, first: int, count: int) -> None:
            self.p.need(self.x, word.d, [(before, first + i) for i in range(count)])
            self.p.put(self.x, word.d, [(self.residual, first + i) for i in range(count)])

        self._passes(name, matrix, source, Op.DRAIN_ADD, done)

    def _attention(self, n: int, layer: IntLayer) -> None:
        m, s, p = self.m, self.m.shape, f"layers.{n}."
        source = self.vector(self.normed)
        self._passes(p + "q", layer.q, source, Op.DRAIN_A, self._to_a(p + "q"))
        self._passes(p + "k", layer.k, source, Op.DRAIN_A, self._to_a(p + "k"))
        stride = (s.kv_dim - 1).bit_length()

        def keep(word: Word, first: int, count: int) -> None:
            for t in range(s.context):
                tags = [(p + "v", t, first + i) for i in range(count)]
                self.p.put(self.kv, word.d + (t << stride), tags)

        self._passes(p + "v", layer.v, source, Op.DRAIN_KV, keep, imm=stride)
        head = (s.head_dim - 1).bit_length()
        word = self.p.take(
            Op.ROPE_A, rom=FREE, a=FREE, d=FREE, n=s.q_dim - 1, sh=m.tables.rope.shift, imm=head
        )
        self._rope(word.rom)
        self.p.need(self.a, word.a, [(p + "q", i) for i in range(s.q_dim)])
        self.p.put(self.a, word.d, [(p + "turned q", i) for i in range(s.q_dim)])
        word = self.p.take(
            Op.ROPE_KV, rom=FREE, a=FREE, d=FREE, n=s.kv_dim - 1, sh=m.tables.rope.shift,
            imm=head | stride << 4,
        )  # fmt: skip
        self._rope(word.rom)
        self.p.need(self.a, word.a, [(p + "k", i) for i in range(s.kv_dim)])
        for t in range(s.context):
            self.p.put(self.kv, word.d + (t << stride), [(p + "k", t, i) for i in range(s.kv_dim)])
        for g in range(s.kv_heads):
            self._group(p, g, layer, stride)
        self._add(p + "o", layer.o, [(p + "mix", i) for i in range(s.q_dim)])

    def _rope(self, rom: int) -> None:
        self.p.coefficients(rom, "rope", self.m.tables.rope)

    def _group(self, prefix: str, g: int, layer: IntLayer, stride: int) -> None:
        """The query heads of one key head: a loop over them."""
        m, s = self.m, self.m.shape
        loop = self.p.at
        size = s.head_dim
        score = self.p.take(Op.SCORE, a=FREE, d=FREE, n=size - 1, sh=layer.score_shift, imm=stride | MAXIMUM)
        exp = self.p.take(Op.EXP_T, rom=FREE)
        self.p.bytes(exp.rom, "exp2", m.tables.exp2)
        self.p.table(self.p.take(Op.RECIP, rom=FREE).rom, "recip", m.tables.recip)
        self.p.take(Op.SCALE_T, sh=RECIP_SHIFT)
        mix = self.p.take(Op.MIX, a=FREE, d=FREE, n=size - 1, sh=layer.value_shift, imm=stride)
        self.p.back(Condition.HEAD, loop, a=size, d=s.group * size)
        for h in range(s.group):
            first, shift = (g * s.group + h) * size, h * size
            self.p.need(
                self.a, score.a + shift, [(prefix + "turned q", first + i) for i in range(size)], loop
            )
            self.p.put(self.a, mix.d + shift, [(prefix + "mix", first + i) for i in range(size)])
        for t in range(s.context):
            for name, at, row in (("k", score.d, loop), ("v", mix.a, self.p.at - 2)):
                tags = [(prefix + name, t, g * size + i) for i in range(size)]
                place = at + (t << stride)
                self.later.append((row, place, tags))

    def _swiglu(self, n: int, layer: IntLayer) -> None:
        p, hidden = f"layers.{n}.", self.m.shape.hidden
        source = self.vector(self.normed)
        self._passes(p + "gate", layer.gate, source, Op.DRAIN_A, self._to_a(p + "gate"))
        word = self.p.take(Op.TABLE_A, rom=FREE, a=FREE, d=FREE, n=hidden - 1)
        self.p.bytes(word.rom, p + "silu", layer.silu)
        self.p.need(self.a, word.a, [(p + "gate", i) for i in range(hidden)])
        self.p.put(self.a, word.d, [(p + "silu", i) for i in range(hidden)])

        def multiply(_: Word, first: int, count: int) -> None:
            word = self.p.take(Op.MUL, a=FREE, d=FREE, n=count - 1, sh=layer.product_shift)
            self.p.need(self.a, word.a, [(p + "silu", first + i) for i in range(count)])
            self.p.put(self.a, word.d, [(p + "h", first + i) for i in range(count)])

        self._passes(p + "up", layer.up, source, Op.DRAIN_T, multiply)
        self._add(p + "down", layer.down, [(p + "h", i) for i in range(hidden)])

    def _head(self) -> None:
        m, s = self.m, self.m.shape
        if m.final_gain is None:
            self._norm("the head")
        else:
            self._squares()
            self.p.take(Op.SCALE_X, n=s.dim - 1, sh=m.final_shift)
            word = self.p.take(Op.GAIN_A, rom=FREE, d=FREE, n=s.dim - 1, sh=m.final_gain.shift)
            self.p.factors(word.rom, m.final_gain, "the final norm")
            self.normed = "input of the head"
            self.p.put(self.a, word.d, self.vector(self.normed))

        def logits(word: Word, first: int, count: int) -> None:
            self.p.put(self.x, word.d, [("logit", first + i) for i in range(count)])

        self._passes("the head", m.head, self.vector(self.normed), Op.DRAIN_X, logits, maximum=True)

    def _choose(self) -> None:
        m, vocab = self.m, self.m.shape.vocab
        self.p.ahead(Condition.GREEDY, "greedy")
        heat = self.p.take(Op.HEAT, d=FREE, n=vocab - 1, sh=m.beta_shift)
        self.p.need(self.x, 0, [("logit", i) for i in range(vocab)])
        self.p.put(self.a, heat.d, [("distance", i) for i in range(vocab)])
        exp = self.p.take(Op.EXP_A, rom=FREE, a=FREE, d=FREE, n=vocab - 1)
        self.p.need(self.a, exp.a, [("distance", i) for i in range(vocab)])
        self.p.bytes(exp.rom, "exp2", m.tables.exp2)
        self.p.put(self.a, exp.d, [("chance", i) for i in range(vocab)])
        mask = (1 << DRAW_BITS + (vocab - 1).bit_length()) - 1
        self.p.take(Op.DRAW, rom=mask)
        select = self.p.take(Op.SELECT, rom=mask, a=FREE, n=vocab - 1)
        self.p.need(self.a, select.a, [("chance", i) for i in range(vocab)])
        self.p.ahead(Condition.ALWAYS, "chosen")
        self.p.label("greedy")
        self.p.take(Op.ARGMAX)
        self.p.label("chosen")
