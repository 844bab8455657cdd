"""A die of a chain, by itself: it hears what the golden model of the one before says."""

__all__ = ["RelayJob", "relay_one"]

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from flow.chain.die import told
from flow.stopwatch import Stopwatch
from rtl_gen.errors import FlowError
from signoff.gatesim import Simulation, converse
from signoff.readback import write_hex

SPARE = 2  # times as many cycles as the golden model is silent for, and
REST = 10_000  # more: then the die is given up


@dataclass(frozen=True)
class RelayJob:
    """A die to run; plain values, so that it travels.

    Attributes:
        die: Its number.
        program: The simulator of every die.
        top: Module of the die.
        bits: File of its ROM macros as read back: uint8 [macros, word lines, bytes of a word].
        names: Instances of the macros.
        heard: What it hears.
        said: What its golden model says to that, and in which cycles.
        said_at: Cycles.
        scratch: Folder for what it reads and writes.
        spoiled: Instance of a macro whose bits are turned over for the control; empty for none.
    """

    die: int
    program: str
    top: str
    bits: str
    names: tuple[str, ...]
    heard: bytes
    said: bytes
    said_at: tuple[int, ...]
    scratch: str
    spoiled: str = ""


def relay_one(job: RelayJob) -> dict[str, Any]:
    """Run one die.

    Returns:
        `die`, `cycles`, `fault` (what differs from the golden model, empty if nothing does), `noticed` (of a
        control, whether a spoiled ROM changed what is said; else None), `seconds`, `cpu`; or `error`, the
        fields of a FlowError.
    """
    began = Stopwatch()
    try:
        done = _run(job, "")
        spoiled = _run(job, job.spoiled) if job.spoiled else None
    except FlowError as e:
        return told(job.die, e)
    return {
        "die": job.die,
        "cycles": done.cycles,
        "fault": _fault(job, done),
        "noticed": None if spoiled is None else _said(spoiled) != job.said,
        **began.read(),
    }


def _run(job: RelayJob, spoiled: str) -> Simulation:
    with tempfile.TemporaryDirectory(dir=job.scratch) as folder:
        bits = np.unpackbits(np.load(job.bits), axis=2, bitorder="little").view(bool)
        if spoiled:
            bits[job.names.index(spoiled)] ^= True
        (roms := Path(folder, "roms")).mkdir()
        contents = dict(zip(job.names, write_hex(bits, roms, job.names), strict=True))
        silent = max(np.diff((0, *job.said_at)).tolist())
        patience = SPARE * silent + REST
        run = Path(folder, "run")
        return converse(Path(job.program), job.top, contents, job.heard, len(job.said), run, patience)


def _fault(job: RelayJob, done: Simulation) -> str:
    said = _said(done)
    if said != job.said:
        same = next((n for n, (a, b) in enumerate(zip(said, job.said, strict=False)) if a != b), len(said))
        return f"byte {same} of {len(job.said)} is not the golden model's {done.fault}".rstrip()
    apart = np.diff([token.cycle for token in done.tokens])
    golden = np.diff(job.said_at)
    if not np.array_equal(apart, golden):
        late = int(np.flatnonzero(apart != golden)[0]) + 1
        return f"byte {late} comes {apart[late - 1]} cycles after the one before, {golden[late - 1]} expected"
    return done.fault


def _said(done: Simulation) -> bytes:
    return bytes(token.value for token in done.tokens)
