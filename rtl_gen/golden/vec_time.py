"""How long rows of a program take: the cycles of sequencer, lane and steps, as their RTL has them."""

__all__ = [
    "FEWEST",
    "FOUND",
    "LANE_GAP",
    "ROW_LATENCY",
    "SHORTEST",
    "SUM_LATENCY",
    "Clock",
    "pause",
    "read_late",
]

from collections.abc import Sequence
from dataclasses import dataclass

from rtl_gen.golden.vec_isa import BLOCK, LINE, OF_TILES, Row, Sync, Walk, Write, X

# From a step of the sequencer to the element of the lane that its first sum meets on its way: with no row of
# tiles, for each.
SUM_LATENCY, ROW_LATENCY = 4, 2
LANE_GAP = 1  # idle cycles of the lane between two rows, at least
SHORTEST = 4  # cycles from row to row: M is read twice and written once for a row of one element
# From the last element that is read to the cycle in which a row may begin that needs what was found, or that
# needs all to be over.
FOUND, EMPTY = 11, 15
FED = 14  # from an element to the first step that reads what it became
JUMP = 3  # from a branch to the row that it goes to
FEWEST = 2  # sums of a pass, in the time that is kept for them
FETCH = 2  # before two bytes of A leave


@dataclass
class Clock:
    """Counts cycles, with a host, or a next die, that takes every byte at once.

    `came` is the cycle in which a byte of the host is there.

    Attributes:
        rows: Rows of tiles.
        rom_rows: Those of rom tiles among them.
        now: Cycle in which the row that comes next is in its register.
    """

    rows: int
    rom_rows: int
    now: int = 0

    def __post_init__(self) -> None:
        self._free = 0  # the lane takes the next row
        self._last = -EMPTY  # element that was read
        self._fed = -FED  # element that became an activation
        self._working = -1  # element of a vector
        self._started = 0  # the lane took the pass before
        self._sent = -BLOCK  # last step of the pass before
        self._read = -BLOCK  # last step that reads A
        self._gap = self._tail = 0
        self._only = -1
        self._pending: Row | None = None

    def control(self, row: Row, more: int, *, jumps: bool, came: int = 0) -> int:
        """A row of the sequencer that takes so many cycles more than one; returns its last."""
        done = max(self._calm(row), came) + more
        self._next(done, JUMP if jumps else 0)
        return done

    def vector(self, row: Row, n: int) -> None:
        """A vector of so many elements."""
        start = max(self.now, self._free, self._started + 1)
        if row.sync:
            start = max(start, self._last + (FOUND if row.sync == Sync.FOUND else EMPTY))
        late = read_late(self.rom_rows)
        if late and row.dest in OF_TILES:
            start = max(start, self._read + late + 1)
        self._last = start + n * (2 if row.walk == Walk.PAIR else 1)
        self._working = self._last
        if row.dest in OF_TILES:
            self._fed = self._last
        self._free = max(start + SHORTEST, self._last + LANE_GAP + pause(row))
        self._next(start)

    def drain(self, row: Row) -> None:
        """What becomes of the sums of the pass that follows."""
        self._pending = row
        self._next(self.now)

    def send(self, row: Row) -> list[int]:
        """Bytes of A that leave; returns the cycle of each."""
        begin = max(self._calm(row) + 1, self._fed + FED)
        sent = [begin + FETCH + n // 2 * (FETCH + 2) + n % 2 for n in range(row.n)]
        self._next(sent[-1])
        return sent

    def receive(self, row: Row, came: Sequence[int]) -> None:
        """Bytes of the host that are written to a ram tile as they come."""
        done = max(self._calm(row) + 2, self._fed + FED - 1)
        for cycle in came:
            done = max(done + 1, cycle)
        self._next(done)

    def steps(self, row: Row, n: int, counts: list[int], column: int) -> None:
        """Steps, for so many sums of each pass; n steps in each."""
        at = self._calm(row) + 1 + (row.write != Write.NONE)
        done = at
        for count in counts or [0]:
            begin = max(at + 1, self._fed + FED)
            done = begin + n - 1
            if row.drain:
                ready = max(self._sent + 1 + self._gap, self._started + 1, self._working + 1)
                if row.only != self._only:
                    ready = max(ready, self._sent + 1 + self._tail)
                sent = max(begin if row.each else done, ready)
                done = sent + (n - 1 if row.each else 0)
                self._pass(row, sent, count, column)
            at = done + 1
        if row.x not in (X.ONE0, X.ONE1):
            self._read = done
        self._next(done + row.append)

    def _pass(self, row: Row, sent: int, count: int, column: int) -> None:
        assert self._pending is not None
        idle = pause(self._pending)
        self._sent, self._only = sent, row.only
        self._gap = max(count, FEWEST) + LANE_GAP + idle
        self._tail = row.n if row.each else BLOCK - column
        self._started = max(sent + 1, self._free)
        self._last = sent + SUM_LATENCY + ROW_LATENCY * self.rows + count - 1
        if self._pending.dest in OF_TILES:
            self._fed = self._last
        self._free = max(self._started + SHORTEST, self._last + LANE_GAP + idle)

    def _calm(self, row: Row) -> int:
        if not row.sync:
            return self.now
        return max(self.now, self._last + EMPTY, self._free, self._started + 1)

    def _next(self, done: int, jump: int = 0) -> None:
        self.now = done + jump if jump else max(done, self.now + 1) + 1


def read_late(rom_rows: int) -> int:
    """Cycles for which the lane makes no activations behind a step that reads some.

    A row of tiles reads its bank two cycles after the one to its north, the ram tiles read theirs last of
    all; the lane takes as long from an element to the activation as four rows do.
    """
    return ROW_LATENCY * max(0, rom_rows - 4)


def pause(row: Row) -> int:
    """Further idle cycles behind a row, in which M writes words that begin no line, or are apart."""
    return 2 if row.walk == Walk.SPREAD else int(row.d % LINE != 0)
