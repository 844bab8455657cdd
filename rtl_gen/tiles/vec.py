"""The `vec` tile: sequencer, lane and activations for one column of tiles, and its host's bytes."""

__all__ = ["MACROS", "VecTile", "VecTileSize"]

from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Cat, Elaboratable, Module, Mux, ResetInserter, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from rtl_gen.golden.vec_isa import (
    BLOCK,
    CONTROL,
    LANE,
    OF_TILES,
    STEPS,
    Condition,
    Kind,
    Op,
    Sync,
)
from rtl_gen.golden.vec_time import ROW_LATENCY, SUM_LATENCY, read_late
from rtl_gen.tiles.macro import address, low_clock, rom_pins
from rtl_gen.tiles.ports import Step, sums, take_reset
from rtl_gen.tiles.rom import Near
from rtl_gen.tiles.vec_issue import COLUMN_BITS, Issue
from rtl_gen.tiles.vec_lane import Lane, pause
from rtl_gen.tiles.vec_steps import Feed, Source
from rtl_gen.tiles.vec_totals import LaneRow, Totals

# Ports of a vec tile that are pins of macros.
MACROS = ("program", "rom", "memory", "rom_inputs", "ram_inputs")


@dataclass(frozen=True)
class VecTileSize:
    """How large a vec tile is, and what stands north of it.

    Attributes:
        rom_rows, ram_rows: Rows of tiles; a die may have fewer. Of rom tiles the northernmost are left out,
            of ram tiles the southernmost, and the program says how many there are (`Kind.RESTART`).
        row_step: Between rows of a rom tile that can be addressed.
        memory: Words of M.
        rom_bytes, ram_bytes: Activations of a row of rom tiles, and of the ram tiles.
        program_banks, rom_banks: Macros of the program, and of factors and tables.

    """

    rom_rows: int = 1
    ram_rows: int = 1
    row_step: int = 2
    memory: int = 512
    rom_bytes: int = 128
    ram_bytes: int = 64
    program_banks: int = 2
    rom_banks: int = 1


class VecTile(wiring.Component):
    """A vec tile without its macros: their pins are ports.

    Attributes:
        rst: That of the tiles, which begin when it does.
        west_rom, west_ram: Steps of each row of tiles, counted from where rom and ram tiles meet.
        north: Sums.
        rx, tx: Bytes of the host.
        program, rom, memory, rom_inputs, ram_inputs: Pins of the macros, `MACROS`. `low` have the inverted
            clock, as what they give needs a whole period.
    """

    low = "program", "rom"

    def __init__(self, size: VecTileSize) -> None:
        self.size = size
        self.lane = Lane(size.memory, size.rom_banks, size.rom_rows)
        self.feed = Feed(size.rom_rows, size.ram_rows, size.rom_bytes, size.ram_bytes)
        inner = dict(self.lane.signature.members.items()) | dict(self.feed.signature.members.items())
        steps = stream.Signature(Step(2), always_ready=True)
        super().__init__(
            {
                "rst": In(1), "north": In(sums()),
                "west_rom": Out(steps).array(size.rom_rows), "west_ram": Out(steps).array(size.ram_rows),
                "rx": In(stream.Signature(8)), "tx": Out(stream.Signature(8)),
                "program": Out(rom_pins(128)).array(size.program_banks),
            } | {name: inner[name] for name in MACROS[1:]}
        )  # fmt: skip

    @property
    def west(self) -> list[wiring.PureInterface]:
        """Steps of each row of tiles, from the north."""
        return [*reversed(self.west_rom), *self.west_ram]

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        size = self.size
        low_clock(m)
        m.submodules.lane, m.submodules.feed = lane, feed = self.lane, self.feed
        m.submodules.issue = issue = Issue(size.rom_rows, size.row_step)
        for mine, inner in zip(self.west, feed.west, strict=True):
            wiring.connect(m, wiring.flipped(mine), inner)
        for unit, names in ((lane, ("rom", "memory")), (feed, ("rom_inputs", "ram_inputs"))):
            for name in names:
                for mine, inner in zip(getattr(self, name), getattr(unit, name), strict=True):
                    wiring.connect(m, wiring.flipped(mine), inner)
        wiring.connect(m, lane.activation, feed.write)

        # Rows of the program: one is done, the next is at the macros' outputs.
        counter = Signal(CONTROL["target"])
        here = Signal()
        reading = Signal(init=1)
        q = self._read(m, counter, reading)
        ir = Signal(128, reset_less=True)
        full = Signal()
        done = Signal()
        jump = Signal()
        take = here & (~full | done) & ~jump
        m.d.sync += [reading.eq(0), here.eq((here | reading) & ~take), full.eq(take | full & ~done)]
        with m.If(take):
            m.d.sync += [ir.eq(q), counter.eq(counter + 1), reading.eq(1)]
        control, steps = _view(CONTROL, ir), _view(STEPS, ir)
        row = data.View(LaneRow(), ir[: LaneRow().size])

        # A row for the lane waits until the sums come that it is about.
        waiting = Signal(LaneRow(), reset_less=True)
        sent = Signal(LaneRow(), reset_less=True)  # the one whose pass has left
        committed = Signal()
        position = Signal(LANE["n"])
        # Whether a vector may begin, and whether another row may.
        open_ = Signal()
        calm = Signal()
        with m.Switch(row.sync):
            with m.Case(Sync.NONE):
                m.d.comb += [open_.eq(lane.free & ~committed), calm.eq(1)]
            with m.Case(Sync.FOUND):
                m.d.comb += [open_.eq(lane.found & ~committed), calm.eq(lane.empty & ~committed)]
            with m.Default():
                m.d.comb += [open_.eq(lane.idle & ~committed), calm.eq(open_)]
        vector = full & (row.op == Op.VECTOR) & open_
        if late := read_late(size.rom_rows):
            # Steps that read bytes to be written are on their way to the ram tiles' bank.
            behind = Signal(range(late + 1))
            reads = issue.order.valid & (issue.order.source != Source.LITERAL)
            m.d.sync += behind.eq(Mux(reads, late, Mux(behind == 0, 0, behind - 1)))
            vector &= (behind == 0) | ~row.dest.matches(*OF_TILES)
        m.d.comb += [
            lane.row.eq(Mux(vector, row.as_value(), sent.as_value())),
            lane.count.eq(Mux(vector, Mux(row.by_position, position + 1, row.n), issue.count)),
            lane.offset.eq(Mux(vector, 0, issue.offset)), lane.start.eq(vector | lane.free & committed),
        ]  # fmt: skip
        m.d.sync += committed.eq(issue.commit | committed & ~lane.free)
        with m.If(issue.commit):
            m.d.sync += sent.eq(waiting)
        marks = Signal(SUM_LATENCY + ROW_LATENCY * (size.rom_rows + size.ram_rows))
        m.d.sync += marks.eq(Cat(issue.commit, marks[:-1]))
        came = Signal(signed(24), reset_less=True)
        m.d.sync += came.eq(self.north.payload)
        state = self._state(m, lane, position)
        m.d.comb += lane.sum.eq(came)
        with m.Switch(state["ram_rows"]):
            for rows in range(size.ram_rows):
                with m.Case(rows):
                    m.d.comb += lane.first_sum.eq(marks[-1 - ROW_LATENCY * (size.ram_rows - rows)])
            with m.Default():
                m.d.comb += lane.first_sum.eq(marks[-1])
        m.d.comb += [
            issue.row.eq(steps), issue.sums.eq(waiting.n), issue.pause.eq(pause(waiting)),
            issue.waits.eq(committed | lane.working),
            # Also a pass that is to become activations, for which the lane is not free yet.
            issue.holds.eq(lane.feeding | committed & sent.dest.matches(*OF_TILES)),
            issue.host.valid.eq(self.rx.valid), issue.host.payload.eq(self.rx.payload),
            self.rx.ready.eq(issue.host.ready),
            feed.order.eq(issue.order), feed.fetch.eq(issue.fetch), issue.said.eq(self.tx.ready),
            issue.packed.eq(lane.totals.packed),
        ]  # fmt: skip
        m.d.comb += [
            getattr(issue, k).eq(state[k]) for k in ("position", "chunk_rows", "token", "token_rows")
        ]
        with m.If(jump):
            m.d.sync += [counter.eq(control.target), reading.eq(1), here.eq(0)]
        with m.If(full & (calm | vector | issue.busy)), m.Switch(control.op):
            with m.Case(Op.CONTROL):
                self._control(m, lane, control, jump, done, state)
            with m.Case(Op.VECTOR):
                m.d.comb += done.eq(vector)
            with m.Case(Op.DRAIN):
                m.d.comb += done.eq(1)
                m.d.sync += waiting.eq(row)
            with m.Case(Op.STEPS):
                m.d.comb += [
                    issue.go.eq(1), done.eq(issue.done), self.tx.valid.eq(issue.says),
                    self.tx.payload.eq(feed.fetched.word_select(issue.high, 8)),
                ]  # fmt: skip
        return ResetInserter(take_reset(m, self.rst))(m)

    def _read(self, m: Module, counter: Signal, reading: Signal) -> Signal:
        bank = counter[8:]
        q = Signal(128)
        banks = self.size.program_banks
        at = Signal(8, name="program_at", reset_less=True)
        m.d.low += at.eq(counter)
        for n, pins in enumerate(self.program):
            enable = Signal(name=f"program_enable{n}")
            m.d.low += enable.eq(reading & ((bank == n) if banks > 1 else 1))
            address(m, at, pins.a, pins.b_n)
            m.d.comb += pins.enable.eq(enable)
        words: list[Value] = [pins.q for pins in self.program]
        if banks > 1:
            # Of two macros side by side one is selected at their pins, so that a bit crosses on one wire.
            pairs, words = [words[n : n + 2] for n in range(0, banks, 2)], []
            for n, own in enumerate(pairs):
                m.submodules[f"near{n}"] = near = Near(len(own), len(q))
                m.d.comb += [near.q.eq(Cat(own)), near.which.eq(bank[0])]
                words.append(near.word)
        with m.Switch(bank[1:]):
            for n, word in enumerate(words):
                with m.Case(n):
                    m.d.comb += q.eq(~word)
        return q

    def _state(self, m: Module, lane: Lane, position: Signal) -> dict[str, Signal]:
        state = {
            "position": position, "turn": Signal(LANE["rom"]), "chunk_rows": Signal(STEPS["row"]),
            "token_rows": Signal(STEPS["row"], reset_less=True), "token": Signal(16, reset_less=True),
            "count": Signal(16, reset_less=True), "beta": Signal(8, reset_less=True),
            "generator": Signal(32, reset_less=True), "draw": Signal(32, reset_less=True),
            "times": Signal(12), "ram_rows": Signal(range(self.size.ram_rows + 1)),
            "skipped": Signal(range(self.size.rom_rows)),
            "judged": Signal(), "taken": Signal(reset_less=True),
        }  # fmt: skip
        m.d.comb += [
            lane.token.eq(state["token"]), lane.turn.eq(state["turn"]), lane.beta.eq(state["beta"]),
            lane.draw.eq(state["draw"]), lane.skipped.eq(state["skipped"]),
            self.tx.payload.eq(state["token"].word_select(0, 8)),
        ]  # fmt: skip
        with m.If(lane.selected):
            m.d.sync += state["token"].eq(lane.totals.token)
        return state

    def _control(
        self, m: Module, lane: Lane, row: Any, jump: Signal, done: Signal, s: dict[str, Signal]
    ) -> None:
        totals = lane.totals
        value = row.value
        with m.Switch(row.kind):
            with m.Case(Kind.BRANCH):
                taken = Signal()
                with m.Switch(row.condition):
                    with m.Case(Condition.ALWAYS):
                        m.d.comb += taken.eq(1)
                    with m.Case(Condition.PROMPT_LEFT):
                        m.d.comb += taken.eq(s["count"] != 0)
                    with m.Case(Condition.GREEDY):
                        m.d.comb += taken.eq(s["beta"] == 0)
                    with m.Case(Condition.END):
                        m.d.comb += taken.eq(s["token"] == value)
                    with m.Case(Condition.FULL):
                        m.d.comb += taken.eq(s["position"] == value)
                # A cycle to find out, one to go there.
                m.d.sync += [s["judged"].eq(~s["judged"]), s["taken"].eq(taken)]
                m.d.comb += [done.eq(s["judged"]), jump.eq(s["judged"] & s["taken"])]
            with m.Case(Kind.RECEIVE_SEED, Kind.RECEIVE_BETA, Kind.RECEIVE_COUNT, Kind.RECEIVE_TOKEN):
                byte = self.rx.payload
                m.d.comb += [self.rx.ready.eq(1), done.eq(self.rx.valid)]
                with m.If(self.rx.valid), m.Switch(row.kind):
                    with m.Case(Kind.RECEIVE_SEED):
                        m.d.sync += s["generator"].eq(Cat(s["generator"][8:], byte))
                    with m.Case(Kind.RECEIVE_BETA):
                        m.d.sync += s["beta"].eq(byte)
                    with m.Case(Kind.RECEIVE_COUNT):
                        m.d.sync += s["count"].eq(Mux(row.high, Cat(s["count"][:8], byte), byte))
                    with m.Case(Kind.RECEIVE_TOKEN):
                        m.d.sync += s["token"].eq(Mux(row.high, Cat(s["token"][:8], byte), byte))
                        with m.If(~row.high & (s["count"] != 0)):
                            m.d.sync += s["count"].eq(s["count"] - 1)
            with m.Case(Kind.EMIT):
                m.d.comb += [
                    self.tx.valid.eq(1), done.eq(self.tx.ready),
                    self.tx.payload.eq(s["token"].word_select(row.high, 8)),
                ]  # fmt: skip
            with m.Case(Kind.TOKEN):
                m.d.comb += done.eq(1)
                m.d.sync += s["token"].eq(value)
            with m.Case(Kind.ARGMAX):
                m.d.comb += done.eq(1)
                m.d.sync += s["token"].eq(totals.where - value)
            with m.Case(Kind.DRAW):
                stepped = _xorshift(m, s["generator"])
                masked = Signal(32)
                m.d.comb += masked.eq(stepped & ((1 << value[:6]) - 1)[:32])
                m.d.comb += done.eq(masked < totals.accumulator)
                m.d.sync += [s["generator"].eq(stepped), s["draw"].eq(masked)]
            with m.Case(Kind.ADVANCE):
                m.d.comb += done.eq(1)
                m.d.sync += [s["position"].eq(s["position"] + 1), s["turn"].eq(s["turn"] + value)]
                with m.If(s["position"][:COLUMN_BITS] == BLOCK - 1):
                    m.d.sync += s["chunk_rows"].eq(s["chunk_rows"] + row.target)
            with m.Case(Kind.RESTART):
                m.d.comb += done.eq(1)
                m.d.sync += [s["position"].eq(0), s["turn"].eq(0), s["chunk_rows"].eq(0)]
                m.d.sync += [s["ram_rows"].eq(value), s["skipped"].eq(row.target)]
            with m.Case(Kind.ACCUMULATE):
                self._accumulate(m, totals, row, done, s)
            with m.Case(Kind.TOKEN_ROWS):
                m.d.sync += s["times"].eq(s["times"] + 1)
                with m.If(s["times"] == 0):
                    m.d.sync += s["token_rows"].eq(0)
                with m.Else():
                    m.d.sync += s["token_rows"].eq(s["token_rows"] + value)
                with m.If(s["times"] == s["token"][COLUMN_BITS:]):
                    m.d.comb += done.eq(1)
                    m.d.sync += s["times"].eq(0)

    def _accumulate(self, m: Module, totals: Totals, row: Any, done: Signal, s: dict[str, Signal]) -> None:
        m.d.comb += totals.epsilon.eq(row.epsilon)
        m.d.sync += s["times"].eq(s["times"] + 1)
        with m.If(s["times"] == 0):
            m.d.comb += totals.load.eq(1)
        with m.Elif(s["times"] <= totals.residual):
            m.d.comb += totals.halve.eq(1)
        with m.Else():
            with m.If(totals.accumulator == 0):
                m.d.comb += [totals.epsilon.eq(1), totals.load.eq(1)]
            m.d.comb += done.eq(1)
            m.d.sync += s["times"].eq(0)


def _view(fields: dict[str, int], ir: Signal) -> data.View:
    layout = data.StructLayout(dict(fields))
    return data.View(layout, ir[: layout.size])


def _xorshift(m: Module, state: Signal) -> Signal:
    """The next state of the generator (rtl_gen.golden.arith.xorshift32)."""
    a = Signal(32)
    b = Signal(32)
    out = Signal(32)
    m.d.comb += [a.eq(state ^ (state << 13)), b.eq(a ^ (a >> 17)), out.eq(b ^ (b << 5))]
    return out
