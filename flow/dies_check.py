"""Read-back of dies: every bit of a die's file, its negative control, and single banks for other checks."""

__all__ = ["check_die", "readback_control", "sampled_bits"]

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from base_chip.planned import STATUS, PlannedBase, load_planned
from flow.dies import DieJob, die_paths, keep_memory, read_die_manifest, site_map, told
from flow.files import disk_faults
from flow.stopwatch import Stopwatch
from metal_configs.multi_die.die import quantise_die, write_die
from metal_configs.multi_die.mapping import FACTOR
from metal_configs.sitemap import bank_bits
from rtl_gen.errors import FlowError
from signoff.readback.die import DieBits, DiePlan, read_die
from signoff.readback.weights import PieceFault, PiecePlan, check_pieces

SHOWN = 5  # places named


def die_plan(base: PlannedBase) -> DiePlan:
    """What the reader is told about a die."""
    sites = site_map(base)
    (px, py), (ox, oy) = base.banks.pitch, base.banks.origin
    return DiePlan(
        base.banks.columns,
        base.banks.rows,
        (round(px * 1000), round(py * 1000)),
        (round(ox * 1000), round(oy * 1000)),
        sites.x,
        sites.y,
        sites.size,
        sites.layer,
    )


def check_die(job: DieJob) -> dict[str, Any]:
    """Read every bit of a die's file and compare it with what quantising gave.

    A die that is found wrong is no longer finished: its manifest goes, and the next build makes it anew.

    Returns:
        `die`, `sites`, `vias`, `seconds`, `cpu`, `faults` (in words, with matrix, output, input and bit
        of the first), `missed` (what the control, if asked for, did not find); or `error`, the fields of a
        FlowError.
    """
    _, manifest = die_paths(Path(job.folder), job.die)
    try:
        result = _check(job)
    except FlowError as e:
        result = told(job, e)
    if "error" in result or result["faults"]:
        with disk_faults(manifest.parent):
            manifest.unlink(missing_ok=True)
    return result


def _check(job: DieJob) -> dict[str, Any]:
    began = Stopwatch()
    keep_memory()
    path, manifest = die_paths(Path(job.folder), job.die)
    data = read_die_manifest(manifest)
    base = load_planned(job.base)
    if data["base"] != {"name": base.name, "sha256": base.digest(), "status": STATUS}:
        raise FlowError(
            f"the die was made for base {data['base'].get('name')} ({data['base'].get('sha256', '')[:12]}),"
            f" this is {base.name} ({base.digest()[:12]})",
            where=str(manifest),
            hint="Run the same command again: the die is made for the base as it is now.",
        )
    pieces = [
        PiecePlan(
            p["matrix"], p["row"], p["passes"], data["columns"], p["slots"], p["inputs"], p["outputs"],
            p["codes_sha256"], p["factors_sha256"],
        )
        for p in data["pieces"]
    ]  # fmt: skip
    found = read_die(path, die_plan(base), job.threads)
    rows = all_rows(found, base)
    faults = [f"{f.matrix}: {f.what}" if f.matrix else f.what for f in check_pieces(rows, pieces)]
    if found.vias != data["sites"]["programmed"]:
        faults.append(f"{found.vias} vias, expected {data['sites']['programmed']}")
    if faults:
        faults = _explain(job, base, rows) + faults
    return {
        "die": job.die,
        "sites": base.sites,
        "vias": found.vias,
        "faults": faults,
        "missed": [f.what for f in readback_control(path, base, found)] if job.control else [],
        **began.read(),
    }


def all_rows(found: DieBits, base: PlannedBase) -> np.ndarray:
    """Logical rows of a whole die, uint8 [rows, bytes of a row]."""
    columns, rom = base.banks.columns, base.rom
    out = np.empty((rom.rows, rom.bits // 8), np.uint8)
    step = columns * rom.word_lines * rom.mux
    for n in range(base.banks.rows):
        out[n * step : (n + 1) * step] = found.rom_rows(n * columns, columns, rom.mux)
    return out


def _explain(job: DieJob, base: PlannedBase, rows: np.ndarray) -> list[str]:
    """Quantise once more, to name the first places that differ."""
    mapping = job.mapping(base)
    wrong = rows ^ quantise_die(mapping, job.die, job.source(), job.threads).rows
    at = np.flatnonzero(wrong.any(axis=1))[:SHOWN]
    out = []
    rom = base.rom
    for row in at.tolist():
        bit = int(np.flatnonzero(np.unpackbits(wrong[row], bitorder="little"))[0])
        per_bank = rom.word_lines * rom.mux
        bank, word, line = row // per_bank, row // rom.mux % rom.word_lines, bit * rom.mux + row % rom.mux
        w = mapping.weight(job.die, *(np.array([v]) for v in (bank, word, line)))
        n, output, column, place_in = (int(v[0]) for v in w)
        name = mapping.matrices[n].name if n >= 0 else "nothing"
        of = "factor" if column == FACTOR else f"input {column}"
        out.append(f"bank {bank} WL[{word}] BL[{line}] is wrong: {name} output {output} {of} bit {place_in}")
    return out


def readback_control(path: Path, base: PlannedBase, found: DieBits) -> list[PieceFault]:
    """Negative control: plant one removed and one added via in a copy of a die's first row of banks.

    Args:
        path: The die's file, beside which the copy is written.
        base: Its base.
        found: What was read from it.

    Returns:
        What was not found; empty when the reader saw both, at their places, and nothing else.
    """
    columns, rom = base.banks.columns, base.rom
    small = replace(base, banks=replace(base.banks, rows=1))
    right = found.rom_rows(0, columns, rom.mux)
    missed = []
    for kind, value in (("removed", 1), ("added", 0)):
        places = np.argwhere(np.unpackbits(right, axis=1, bitorder="little") == value)
        row, bit = places[len(places) // 2].tolist()
        wrong = right.copy()
        wrong[row, bit // 8] ^= 1 << bit % 8
        copy = path.with_name(f".{path.stem}_{kind}.oas")
        try:
            write_die(copy, wrong, site_map(small), columns)
            again = read_die(copy, die_plan(small)).rom_rows(0, columns, rom.mux)
        finally:
            copy.unlink(missing_ok=True)
        if not np.array_equal(again, wrong) or np.array_equal(again, right):
            missed.append(PieceFault("", f"a via {kind} on row {row}, bit {bit} was not found"))
    return missed


def sampled_bits(job: DieJob, banks: Sequence[int]) -> list[np.ndarray]:
    """Some banks of a die as its file has them, each bool [word_lines, bit_lines]."""
    base = load_planned(job.base)
    found = read_die(die_paths(Path(job.folder), job.die)[0], die_plan(base), job.threads)
    one = replace(base.rom, banks=1)
    rows = (found.rom_rows(bank, 1, base.rom.mux) for bank in banks)
    return [bank_bits(r, one, range(1))[:, 0] for r in rows]
