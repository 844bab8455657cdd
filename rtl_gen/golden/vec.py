"""The golden model of a `vec` tile and of the die around it: what every row of a program does, exactly."""

__all__ = ["VecModel"]

from collections import deque
from collections.abc import Sequence

import numpy as np

from rtl_gen.golden.arith import saturate, xorshift32
from rtl_gen.golden.die_image import DieImage
from rtl_gen.golden.formats import EXPONENTIAL, LEFT_SHIFT, SCORE_FRACTION, SQUARES, SUM, WORD
from rtl_gen.golden.sampling import DRAW_BITS
from rtl_gen.golden.tile import Pass, Plane, RamTileModel
from rtl_gen.golden.vec_isa import (
    BLOCK,
    CONTEXTS,
    CONTROL,
    LANE,
    LESS,
    STEPS,
    Condition,
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
    Row,
    Table,
    Value,
    Walk,
    Width,
    Write,
    X,
)
from rtl_gen.golden.vec_tables import Context, distance, entries, signed
from rtl_gen.golden.vec_time import Clock
from rtl_gen.golden.vector import length


class VecModel:
    """A die that runs its program.

    Attributes:
        memory, banks: M, and the banks of A; the last is that of the ram tiles.
        ram: The ram tiles.
        rows: How many rows of the program were done, by their numbers.
        spent: Cycles that each row took.
        clock: Cycles of the RTL; `said_at` those in which bytes were said, if they were taken at once.
    """

    def __init__(self, image: DieImage) -> None:
        self.image = image
        rom_rows = image.array.grid[0]
        rom_bytes, ram_bytes = image.activations
        self.memory = np.zeros(image.memory, np.int64)
        self.banks = [np.zeros(rom_bytes, np.int64) for _ in range(rom_rows)] + [
            np.zeros(ram_bytes, np.int64)
        ]
        self.ram = [RamTileModel(image.ram_words, BLOCK) for _ in range(image.ram_rows)]
        self._rom_rows = image.skipped + rom_rows
        self._tiles = [image.array.tile(r, 0) for r in range(rom_rows)]
        self.rows, self.spent = (np.zeros(len(image.program), np.int64) for _ in range(2))
        self._registers = dict.fromkeys(Register, 0)
        self._at = self._position = self._turn = self._chunk_rows = self._token_rows = 0
        self._token = self._count = self._beta = self._generator = self._draw = 0
        self._accumulator = self._where = 0
        self._seen = [0, 0]
        self._contexts = [Context() for _ in range(CONTEXTS)]
        self._heard: deque[tuple[int, int]] = deque()  # bytes, and the cycle in which each is there
        self._said = bytearray()
        self.clock = Clock(image.skipped + rom_rows + image.ram_rows, image.skipped + rom_rows)
        self.said_at: list[int] = []

    def send(self, data: bytes, at: Sequence[int] | None = None) -> bytes:
        """Run until there is no byte to take any more; returns what was said meanwhile.

        Args:
            data: Bytes of the host.
            at: The cycle in which each is there; without it none is waited for.
        """
        self._heard.extend(zip(data, [0] * len(data) if at is None else at, strict=True))
        self._said.clear()
        while self._do():
            pass
        return bytes(self._said)

    def skip_to(self, position: int) -> None:
        """Begin the next text at a position, as if tokens before it had been: only times are right then."""
        self._position, self._turn = position, 0
        for row in self.image.program:
            if row.op is Op.CONTROL and row.kind == Kind.ADVANCE:
                self._turn, self._chunk_rows = position * row.value, position // BLOCK * row.target

    def _do(self) -> bool:
        row = self.image.program[self._at]
        if self._needs(row) > len(self._heard):
            return False
        number, before = self._at, self.clock.now
        self.rows[number] += 1
        self._at += 1
        if row.op is Op.CONTROL:
            self._control(row)
        elif row.op is Op.VECTOR:
            n = self._position + 1 if row.by_position else row.n
            self._lane(row, np.arange(n))
            self.clock.vector(row, n)
        elif row.op is Op.DRAIN:
            self.clock.drain(row)
        elif row.op is Op.STEPS:
            self._steps(row)
        self.spent[number] += self.clock.now - before
        return True

    def _needs(self, row: Row) -> int:
        """Bytes of the host."""
        if row.op is Op.CONTROL:
            return int(row.kind in _RECEIVES)
        return row.n if row.op is Op.STEPS and row.x == X.HOST else 0

    # The sequencer.

    def _control(self, row: Row) -> None:
        kind, value = row.kind, row.value
        more, at = 0, self._at
        came = self._heard[0][1] if kind in _RECEIVES else 0
        if kind == Kind.BRANCH:
            taken = {
                Condition.ALWAYS: True, Condition.PROMPT_LEFT: self._count != 0,
                Condition.GREEDY: self._beta == 0, Condition.END: self._token == value,
                Condition.FULL: self._position == value,
            }[Condition(row.condition)]  # fmt: skip
            more = 1
            if taken:
                self._at = row.target
        elif kind == Kind.RECEIVE_SEED:
            self._generator = self._hear() << 24 | self._generator >> 8
        elif kind == Kind.RECEIVE_BETA:
            self._beta = self._hear()
        elif kind == Kind.RECEIVE_COUNT:
            self._count = self._byte(self._count, row.high)
        elif kind == Kind.RECEIVE_TOKEN:
            self._token = self._byte(self._token, row.high)
            self._count -= self._count != 0 and not row.high
        elif kind == Kind.EMIT:
            self._said.append(self._token >> (8 * row.high) & 255)
        elif kind == Kind.TOKEN:
            self._token = value
        elif kind == Kind.ARGMAX:
            self._token = (self._where - value) % TOKENS
        elif kind == Kind.DRAW:
            while True:
                self._generator = xorshift32(self._generator)
                self._draw = self._generator & ((1 << value) - 1)
                if self._draw < self._accumulator:
                    break
                more += 1
        elif kind == Kind.ADVANCE:
            self._position += 1
            self._turn += value
            if self._position % BLOCK == 0:
                self._chunk_rows += row.target
        elif kind == Kind.RESTART:
            assert (value, row.target) == (self.image.ram_rows, self.image.skipped)
            self._position = self._turn = self._chunk_rows = 0
        elif kind == Kind.ACCUMULATE:
            more = self._registers[Register.RESIDUAL] + 1
            self._accumulator = max(row.epsilon >> 2 * (more - 1), 1)
        elif kind == Kind.TOKEN_ROWS:
            more = self._token // BLOCK
            self._token_rows = more * value
        done = self.clock.control(row, more, jumps=self._at != at, came=came)
        if kind == Kind.EMIT:
            self.said_at.append(done)

    def _hear(self) -> int:
        return self._heard.popleft()[0]

    def _byte(self, old: int, high: int) -> int:
        byte = self._hear()
        return old & 255 | byte << 8 if high else byte

    # The lane.

    def _lane(self, row: Row, o: np.ndarray, sums: np.ndarray | None = None, chunk: int = 0) -> None:
        """Elements `o` of a vector, or of a chunk of one."""
        m, off, here = self.memory, chunk * BLOCK, self._contexts[row.context]
        at = 2 * o if row.walk == Walk.SPREAD else o
        a, b = m[row.a + off + at], m[row.b + off + at] if row.dest != Dest.ROM_BYTES else np.zeros_like(o)
        low = np.zeros_like(o)
        if row.walk == Walk.PAIR:
            product = self._rotated(row, o)
        elif row.value == Value.DELTA:
            low, delta, rest = entries(row, a, here, self.image.words)
            product = delta * rest
        else:
            product = self._value(row, o, a, sums) * self._factor(row, o, a, b)
        shift = row.shift + self._register(row, row.plus)
        shift -= self._register(row, row.minus) + self._register(row, row.minus2)
        added = {Element.KEY: -(b & 15), Element.VALUE: -(b >> 4 & 15)}.get(Element(row.element), 0 * o)
        if row.element == Element.ROM:
            added = self.image.words[self._rom(row, o)].astype(np.int64) >> 12
        shifts = shift + added
        if len(o) and not (shifts.min() > -LEFT_SHIFT and shifts.max() < 64 - LEFT_SHIFT + 1):
            raise ValueError(f"{row}: shifts of {shifts.min()} .. {shifts.max()}")
        half = row.value != Value.DELTA
        out = saturate(
            ((product << LEFT_SHIFT >> (LEFT_SHIFT - 1 + shifts)) + half) >> 1, Width(row.width).bits
        )
        if row.value == Value.DELTA:
            out = out + low
            if row.special & 3 in (Table.EXP, Table.EXP_DISTANCE):
                out = out >> np.minimum(distance(row, a, here) >> SCORE_FRACTION, EXPONENTIAL)
        if row.post == Post.ADD:
            out = saturate(out + b, SUM)
        elif row.post == Post.DRAW:
            out = out >> (EXPONENTIAL - DRAW_BITS)
        self._store(row, o, at, off, out)
        self._reduce(row, row.d + off + at, out, first=chunk == 0)

    def _register(self, row: Row, number: int) -> int:
        here, register = self._contexts[row.context], Register(number)
        of_context = {
            Register.QUERY: here.query, Register.SHIFTS: here.shifts, Register.TWICE: 2 * here.shifts,
        }  # fmt: skip
        return of_context.get(register, self._registers[register])

    def _value(self, row: Row, o: np.ndarray, a: np.ndarray, sums: np.ndarray | None) -> np.ndarray:
        if row.value == Value.JOIN:
            assert sums is not None
            joined = (sums >> 2 * (row.special >> 1 & 1)) << (row.special >> 2)
            if not row.special & 1:
                joined = joined + a
            return signed(joined, SUM)
        if row.value == Value.DISTANCE:
            return np.asarray(self._contexts[row.context].maximum - a)
        if row.value == Value.BUTTERFLY:
            far = 1 << row.distance
            first, second = self.memory[row.a + (o & ~far)], self.memory[row.b + (o | far)]
            return np.asarray(np.where(o & far, first - second, first + second))
        return a

    def _factor(self, row: Row, o: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        factor = Factor(row.factor)
        if factor is Factor.ROM:
            return signed(self.image.words[self._rom(row, o)], 12)
        if factor is Factor.SIGMOID:
            return np.where(a < 0, (1 << (WORD - 1)) - b, b)
        return {
            Factor.ONE: np.ones_like(a), Factor.A: a,
            Factor.B: b >> 4 if row.element == Element.KEY else b, Factor.BETA: np.full_like(a, self._beta),
            Factor.R: np.full_like(a, self._contexts[row.context].r),
        }[factor]  # fmt: skip

    def _rom(self, row: Row, o: np.ndarray) -> np.ndarray:
        if row.rom_walk == RomWalk.TOKEN:
            return np.full_like(o, (row.rom + self._token) % WORDS)
        return row.rom + o

    def _rotated(self, row: Row, o: np.ndarray) -> np.ndarray:
        even, odd = self.memory[row.a + (o & ~1)], self.memory[row.a + (o | 1)]
        at = row.rom + self._turn + (o & ~1)
        cos, sin = signed(self.image.words[at], WORD), signed(self.image.words[at + 1], WORD)
        return np.asarray(np.where(o & 1, even * sin + odd * cos, even * cos - odd * sin))

    def _store(self, row: Row, o: np.ndarray, at: np.ndarray, off: int, out: np.ndarray) -> None:
        dest, ram = Dest(row.dest), self.banks[-1]
        if dest is Dest.MEMORY:
            self.memory[row.d + off + at] = out
        elif dest is Dest.ROM_BYTES:
            for bank, value in zip(self.banks, range(0, len(o), row.b), strict=False):
                part = out[value : value + row.b]
                bank[row.d : row.d + len(part)] = part
        elif dest is Dest.RAM_BYTES:
            ram[row.d + o] = out
        elif dest is Dest.RAM_DIGITS:
            ram[2 * (row.d + o)], ram[2 * (row.d + o) + 1] = out & 127, out >> 7
        elif dest is Dest.R:
            self._contexts[row.context].r = int(out[-1])

    def _reduce(self, row: Row, where: np.ndarray, out: np.ndarray, *, first: bool) -> None:
        reduce, clear, here = Reduce(row.reduce), row.clear and first, self._contexts[row.context]
        if reduce is Reduce.LARGEST:
            seen = int(np.abs(out).max(initial=0))
            self._seen[row.aside] = seen if clear else max(seen, self._seen[row.aside])
            bits = max(0, int(length(np.array(self._seen[row.aside]))) - LESS[row.less])
            if row.to == Register.QUERY:
                here.query = bits
            else:
                self._registers[Register(row.to)] = bits
        elif reduce is Reduce.SUM:
            self._accumulator = (0 if clear else self._accumulator) + int(out.sum())
            here.shifts = (SQUARES - self._accumulator.bit_length()) // 2
            here.normal = self._accumulator << 2 * here.shifts
        elif reduce is Reduce.MAXIMUM:
            best = int(np.argmax(out))
            if clear or out[best] > here.maximum:
                here.maximum, self._where = int(out[best]), int(where[best])
        elif reduce is Reduce.EXPONENTS:
            old = 0 if clear else self._registers[Register.LARGEST_VALUE]
            self._registers[Register.LARGEST_VALUE] = max(old, int((out >> 4 & 15).max(initial=0)))
        elif reduce is Reduce.SELECT:
            self._token = int(np.argmax(np.cumsum(out) > self._draw))

    # The array.

    def _steps(self, row: Row) -> None:
        base, column, n = self._place(row)
        if row.write:
            self._bytes(row, base, column)
            return
        drain = self.image.program[self._at - 2]
        if not row.drain or drain.op is not Op.DRAIN:
            raise ValueError(f"row {self._at - 1} has no DRAIN before it")
        if not row.chunks:
            sums = self._sums(row, base, column, n)[: drain.n]
            self._lane(drain, np.arange(len(sums)), sums)
            self.clock.steps(row, n, [len(sums)], column)
            return
        counts = []
        for chunk in range(self._position // BLOCK + 1):
            sums = self._sums(row, base + chunk * row.stride, column, n)
            sums = sums[: self._position + 1 - chunk * BLOCK]
            self._lane(drain, np.arange(len(sums)), sums, chunk)
            counts.append(len(sums))
        self.clock.steps(row, n, counts, column)

    def _bytes(self, row: Row, base: int, column: int) -> None:
        """Bytes that are sent, or written to a ram tile."""
        at = 2 * row.offset
        values = self.banks[-1][at : at + row.n]
        if row.write == Write.SEND:
            self._said += values.astype(np.uint8).tobytes()
            self.said_at += self.clock.send(row)
            return
        came = [self._heard.popleft() for _ in range(row.n)] if row.x == X.HOST else []
        if came:
            values = np.array([byte for byte, _ in came])
        if row.append:
            packed = self._registers[Register.KEY] | self._registers[Register.VALUE] << 4
            values = np.append(values, packed)
        self._ram(row).write(base, column, values.astype(np.int8), down=row.write == Write.DOWN)
        if came:
            self.clock.receive(row, [cycle for _, cycle in came])
        else:
            self.clock.steps(row, row.n, [], column)

    def _place(self, row: Row) -> tuple[int, int, int]:
        place = Place(row.place)
        base, column = row.row, row.column
        if place is Place.TOKEN:
            base, column = base + self._token_rows, self._token % BLOCK
        elif place is Place.POSITION:
            base += self._position
        elif place is Place.CHUNK:
            base += self._chunk_rows
        if row.at_position:
            column += self._position % BLOCK
        return base % ROWS, column, self._position + 1 if row.by_position else row.n

    def _ram(self, row: Row) -> RamTileModel:
        return self.ram[row.only - 1 - self._rom_rows]

    def _sums(self, row: Row, base: int, column: int, n: int) -> np.ndarray:
        """What leaves the south edge."""
        if row.only > self._rom_rows:
            return self._ram(row).sums(Pass(base, self._x(row, self.banks[-1], n)[:, :1], column))
        total = np.zeros(n if row.each else BLOCK - column, np.int64)
        plane = list(Plane)[row.plane]
        for r, tile in enumerate(self._tiles):
            if row.only in (0, self.image.skipped + r + 1):
                x = self._x(row, self.banks[r], n)
                if row.each:
                    total += [
                        tile.sums(Pass(base + t, x[t : t + 1], column, True, plane))[0] for t in range(n)
                    ]
                else:
                    total += tile.sums(Pass(base, x, column, plane=plane))
        return total

    def _x(self, row: Row, bank: np.ndarray, n: int) -> np.ndarray:
        x, at = X(row.x), 2 * row.offset
        if x is X.PAIRS:
            found = bank[at : at + 2 * n].reshape(n, 2)
        elif x is X.BYTES:
            found = np.stack([bank[at : at + n], 0 * bank[at : at + n]], 1)
        elif x in (X.LOW, X.HIGH):
            found = np.stack([bank[at + (x == X.HIGH) : at + 2 * n : 2], np.zeros(n, np.int64)], 1)
        else:
            found = np.tile([x == X.ONE0, x == X.ONE1], (n, 1))
        return found.astype(np.int8)


ROWS = 1 << STEPS["row"]  # a row of tiles is told modulo that
WORDS = 1 << LANE["rom"]  # and a word of the ROM
TOKENS = 1 << CONTROL["value"]  # and a token
_RECEIVES = (Kind.RECEIVE_SEED, Kind.RECEIVE_BETA, Kind.RECEIVE_COUNT, Kind.RECEIVE_TOKEN)
