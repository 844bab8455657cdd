"""Runs requests through many chips at once, each with ROM contents of its own."""

__all__ = ["LANES", "Outcome", "build_engine", "simulate_lanes"]

import ctypes
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np

from rtl_gen.errors import FlowError
from signoff.faultsim.circuit import Circuit
from signoff.gatesim.host import Request, request_bytes
from signoff.gatesim.tools import run_tool

WORDS = 4
LANES = 64 * WORDS  # the chip as it is, and this many less one others
CHUNK = 2000  # cycles between two looks at the clock
PATIENCE = 20_000  # cycles that a lane may be later than the first

_I32, _I64, _PTR = ctypes.c_int32, ctypes.c_int64, ctypes.c_void_p
_FIELDS = (
    [(n, _I32) for n in ("runs", "groups", "word_lines", "bit_lines", "mux")]
    + [(n, _PTR) for n in ("run", "out", "a", "b", "c", "d", "e", "f", "group", "from", "to")]
    + [(n, _PTR) for n in ("high", "low", "bl", "column", "rx_data", "tx_data")]
    + [(n, _I32) for n in ("rst", "rx_valid", "rx_ready", "tx_valid", "tx_ready")]
    + [(n, _PTR) for n in ("net", "rom", "held", "read", "bytes", "expected")]
    + [(n, _I32) for n in ("nbytes", "ntokens")]
    + [(n, _PTR) for n in ("alive", "sent", "came", "when", "at", "late")]
    + [("cycle", _I64)]
)


class _Sim(ctypes.Structure):
    _fields_ = _FIELDS


@dataclass(frozen=True)
class Outcome:
    """What came of it.

    Attributes:
        found: bool [faults]: a token was not the expected one, or none came any more.
        late: bool [faults]: all tokens were right, some in other cycles.
        rows: bool [rows]: that the chip without faults has read.
        at: int64 [tokens]: cycle of each token of that chip.
        seconds: Of the processor.
        cycles: Simulated.
        fault: What is wrong with the chip without faults; empty if every token was the expected one.
    """

    found: np.ndarray
    late: np.ndarray
    rows: np.ndarray
    at: np.ndarray
    seconds: float
    cycles: int
    fault: str


def build_engine(work: Path) -> Path:
    """Compile the simulator: a library that knows no chip."""
    work.mkdir(parents=True, exist_ok=True)
    (work / "engine.c").write_text(files("signoff").joinpath("faultsim", "engine.c").read_text("utf-8"))
    run_tool(
        ["g++", "-x", "c", "-O2", "-march=native", "-shared", "-fPIC", "-o", "engine.so", "engine.c"],
        work, "engine", "verilator",
    )  # fmt: skip
    return work / "engine.so"


def simulate_lanes(
    engine: Path,
    circuit: Circuit,
    banks: np.ndarray,
    faults: Sequence[tuple[int, int, int]],
    requests: Sequence[Request],
    *,
    seed: int = 1,
    say: Callable[[int], None] = lambda tokens: None,
) -> Outcome:
    """Run requests through a chip and through copies with one wrong bit each.

    Args:
        engine: What `build_engine` made.
        circuit: The chip.
        banks: bool [banks, word lines, bit lines]: contents of the ROM.
        faults: Bank, word line and bit line of the wrong bit of each copy; at most `LANES` - 1.
        requests: What to send, one after another.
        seed: Of what the flops hold at first.
        say: Told how many tokens have come, now and then.
    """
    if len(faults) >= LANES:
        raise FlowError(f"{len(faults)} faults at a time, {LANES - 1} fit")
    run = _Run(circuit, banks, faults, requests, seed)
    library = ctypes.CDLL(str(engine))
    library.run.argtypes, library.run.restype = (ctypes.POINTER(_Sim), _I64), _I64
    began = time.process_time()
    cycles, late, count = 0, 0, 0
    while (
        run.alive.any() and late < PATIENCE and (not run.alive_lane(0) or cycles - run.last() < PATIENCE * 3)
    ):
        cycles = library.run(ctypes.byref(run.sim), cycles + CHUNK)
        late += 0 if run.alive_lane(0) else CHUNK
        if run.came[0] != count:
            say(count := int(run.came[0]))
    return run.outcome(time.process_time() - began, cycles)


class _Run:
    """The arrays that the engine works on."""

    def __init__(
        self, circuit: Circuit, banks: np.ndarray, faults: Sequence[tuple[int, int, int]],
        requests: Sequence[Request], seed: int,
    ) -> None:  # fmt: skip
        self.faults, self.shape = len(faults), banks.shape
        expected = [t for r in requests for t in r.expected]
        ones = np.uint64(0xFFFFFFFFFFFFFFFF)
        steps, c = circuit.steps, circuit
        keep = {
            "run": c.runs, "group": c.groups, "column": c.columns, "bl": c.bit_lines,
            "high": c.word_lines[..., 0], "low": c.word_lines[..., 1],
            **{n: steps[:, i] for i, n in enumerate(("out", *"abcdef"), 1)},
            "from": c.flops[:, 0], "to": c.flops[:, 1],
            **{n: np.array([c.ports[f"{n}[{i}]"] for i in range(8)]) for n in ("rx_data", "tx_data")},
            "expected": np.array(expected),
        }  # fmt: skip
        self.arrays: dict[str, np.ndarray] = {n: np.ascontiguousarray(a, np.int32) for n, a in keep.items()}
        rng = np.random.default_rng(seed)
        net = _lanes(c.size)
        net[1] = ones
        net[c.flops[:, 1]] = np.where(rng.random(len(c.flops)) < 0.5, ones, np.uint64(0))[:, None]
        rom = _lanes(banks.size)
        rom[:] = np.where(banks.reshape(-1), ones, np.uint64(0))[:, None]
        for lane, place in enumerate(faults, 1):
            rom[np.ravel_multi_index(place, banks.shape), lane // 64] ^= np.uint64(1 << lane % 64)
        self.alive = _lanes(1)
        for lane in range(self.faults + 1):
            self.alive[0, lane // 64] |= np.uint64(1 << lane % 64)
        self.came = np.zeros(LANES, np.int32)
        self.when, self.late = np.full(LANES, -1, np.int64), np.zeros(LANES, np.uint8)
        self.at = np.full(len(expected), -1, np.int64)
        self.read = np.zeros((*banks.shape[:2], 1 << len(c.columns)), np.uint8)
        self.arrays |= {
            "net": net, "rom": rom, "held": _lanes(len(c.flops)), "read": self.read, "alive": self.alive,
            "sent": np.zeros(LANES, np.int32), "came": self.came, "when": self.when, "at": self.at,
            "late": self.late, "bytes": np.frombuffer(request_bytes(requests), np.uint8),
        }  # fmt: skip
        self.sim = _Sim(**{n: a.ctypes.data for n, a in self.arrays.items()})
        for n in ("rst", "rx_valid", "rx_ready", "tx_valid", "tx_ready"):
            setattr(self.sim, n, c.ports[n])
        self.sim.runs, self.sim.groups, self.sim.mux = len(c.runs), len(c.groups), len(c.columns)
        self.sim.word_lines, self.sim.bit_lines = banks.shape[1:]
        self.sim.nbytes, self.sim.ntokens = len(self.arrays["bytes"]), len(expected)
        self.sim.cycle = 0

    def alive_lane(self, lane: int) -> bool:
        return bool(self.alive[0, lane // 64] >> np.uint64(lane % 64) & np.uint64(1))

    def last(self) -> int:
        """Cycle of the last token of the chip without faults."""
        return int(self.at.max(initial=0))

    def outcome(self, seconds: float, cycles: int) -> Outcome:
        copies = range(1, self.faults + 1)
        wrong = np.array([self.when[n] >= 0 or self.alive_lane(n) for n in copies], bool)
        fault = ""
        if self.when[0] >= 0:
            fault = f"token {self.came[0]} is not the expected one"
        elif self.alive_lane(0):
            fault = f"no token after {self.came[0]} of {len(self.at)}"
        rows = self.read.reshape(-1).astype(bool)
        late = self.late[1 : self.faults + 1].astype(bool) & ~wrong
        return Outcome(wrong, late, rows, self.at, seconds, cycles, fault)


def _lanes(n: int) -> np.ndarray:
    """uint64 [n, WORDS], zero, at an address that vector instructions take."""
    room = np.zeros(n * WORDS + 8, np.uint64)
    skip = -room.ctypes.data % 64 // 8
    return room[skip : skip + n * WORDS].reshape(n, WORDS)
