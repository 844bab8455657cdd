"""Read-back of dies: every bit of a die's file, its negative control, and single banks for other checks."""

__all__ = ["check_die", "die_plan", "readback_control", "sampled_bits", "tile_plan"]

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from base_chip.dies import STATUS, Floorplan, load_die
from flow.chain.die import DieJob, die_paths, keep_memory, read_die_manifest, site_map, told
from flow.files import disk_faults
from flow.stopwatch import Stopwatch
from metal_configs.compile import Placement
from metal_configs.compile.contents import quantise_die
from metal_configs.compile.placement import FACTOR, VEC
from metal_configs.writer.die import write_die
from rtl_gen.errors import FlowError
from signoff.readback.die import DieBits, DiePlan, read_die
from signoff.readback.weights import PieceFault, PiecePlan, TilePlan, check_pieces

SHOWN = 5  # places named


def die_plan(base: Floorplan) -> DiePlan:
    """What the reader is told about a die."""
    sites = base.sites
    return DiePlan(
        base.macro_x,
        base.macro_y,
        base.x_signs,
        base.y_signs,
        base.present,
        sites.x,
        sites.y,
        sites.via,
        base.program_layers[0],
    )


def tile_plan(data: dict[str, Any]) -> TilePlan:
    """How banks make tiles, by a die's manifest."""
    return TilePlan(**data["tiles"])


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
        result = told(job.die, e)
    if "error" in result or result["faults"]:
        with disk_faults(manifest.parent):
            manifest.unlink(missing_ok=True)
    return result


def checked_manifest(job: DieJob, base: Floorplan) -> dict[str, Any]:
    """A die's manifest.

    Raises:
        FlowError: It is damaged, or of another base.
    """
    _, manifest = die_paths(Path(job.folder), job.die)
    data = read_die_manifest(manifest)
    if data["base"] != {"name": base.name, "sha256": base.digest(), "status": STATUS}:
        raise FlowError(
            f"the die was made for base {data['base'].get('name')} ({data['base'].get('sha256', '')[:12]}),"
            f" this is {base.name} ({base.digest()[:12]})",
            where=str(manifest),
            hint="Run the same command again: the die is made for the base as it is now.",
        )
    return data


def pieces_of(data: dict[str, Any]) -> list[PiecePlan]:
    """What a die holds, by its manifest."""
    return [
        PiecePlan(
            p["matrix"], p["row"], p["factor_row"], p["blocks"], p["bits"], p["chunk"], p["spans"],
            p["inputs"], p["outputs"], p["codes_sha256"], p["factors_sha256"],
        )
        for p in data["pieces"]
    ]  # fmt: skip


def _check(job: DieJob) -> dict[str, Any]:
    began = Stopwatch()
    keep_memory()
    path, _ = die_paths(Path(job.folder), job.die)
    base = load_die(job.base)
    data = checked_manifest(job, base)
    plan = die_plan(base)
    found = read_die(path, plan, job.threads)
    banks = found.banks()
    faults = [
        f"{f.matrix}: {f.what}" if f.matrix else f.what
        for f in check_pieces(banks, tile_plan(data), pieces_of(data))
    ]
    if found.vias != data["sites"]["programmed"]:
        faults.append(f"{found.vias} vias, expected {data['sites']['programmed']}")
    if faults:
        faults = _explain(job, base, banks) + faults
    return {
        "die": job.die,
        "sites": plan.sites,
        "vias": found.vias,
        "faults": faults,
        "missed": [f.what for f in readback_control(path, base, found)] if job.control else [],
        **began.read(),
    }


def _explain(job: DieJob, base: Floorplan, banks: np.ndarray) -> list[str]:
    """Quantise once more, to name the first places that differ."""
    placed = job.placement(base)
    held = quantise_die(placed, job.die, job.source(), job.threads)
    wrong = banks ^ base.lay(held.rom, held.vec).reshape(banks.shape)
    out = []
    for bank, word in np.argwhere(wrong.any(axis=2))[:SHOWN].tolist():
        line = int(np.flatnonzero(np.unpackbits(wrong[bank, word], bitorder="little"))[0])
        out.append(f"{bit_name(placed, base, job.die, bank, word, line)} is wrong")
    return out


def bit_name(placed: Placement, base: Floorplan, die: int, bank: int, word: int, line: int) -> str:
    """A place, and what it holds, in words."""
    tile = base.tile_of(bank)
    if tile is None:
        return f"bank {bank}, where no macro stands,"
    row, column, macro = tile
    w = placed.weight(die, *(np.array([v]) for v in (row, column, macro, word, line)))
    n, output, source, bit = (int(v[0]) for v in w)
    of = "factor" if source == FACTOR else f"input {source}"
    held = f"{placed.matrices[n].name} output {output} {of} bit {bit}" if n >= 0 else "nothing"
    where = f"vec {column}" if row == VEC else f"rom {row},{column}"
    return f"{where} macro {macro} WL[{word}] BL[{line}] ({held})"


def readback_control(path: Path, base: Floorplan, found: DieBits) -> list[PieceFault]:
    """Negative control: plant one removed and one added via in a copy of a line of banks.

    Args:
        path: The die's file, beside which the copy is written.
        base: Its base.
        found: What was read from it.

    Returns:
        What was not found; empty when the reader saw both, at their places, and nothing else.
    """
    columns = len(base.macro_x)
    right = found.banks(0, columns)
    plan = replace(
        found.plan,
        lines=base.macro_y[:1],
        y_signs=base.y_signs[:1],
        present=base.present[base.present < columns],
    )
    whole = site_map(base)
    sites = replace(
        whole, rom=replace(whole.rom, banks=columns), origins=whole.origins[:columns],
        signs=whole.signs[:columns],
    )  # fmt: skip
    missed = []
    for kind, value in (("removed", 1), ("added", 0)):
        places = np.argwhere(np.unpackbits(right[plan.present], axis=2, bitorder="little") == value)
        if not len(places):
            missed.append(PieceFault("", f"there is no place for a via {kind}"))
            continue
        number, word, bit = places[len(places) // 2].tolist()
        bank = int(plan.present[number])
        wrong = right.copy()
        wrong[bank, word, bit // 8] ^= 1 << bit % 8
        copy = path.with_name(f".{path.stem}_{kind}.oas")
        try:
            write_die(copy, wrong.reshape(-1, wrong.shape[2]), sites, [range(columns)])
            again = read_die(copy, plan).banks()
        finally:
            copy.unlink(missing_ok=True)
        if not np.array_equal(again, wrong) or np.array_equal(again, right):
            missed.append(
                PieceFault("", f"a via {kind} in bank {bank}, word {word}, bit {bit} was not found")
            )
    return missed


def sampled_bits(job: DieJob, banks: Sequence[int]) -> list[np.ndarray]:
    """Some banks of a die as its file has them, each bool [word_lines, bit_lines]."""
    base = load_die(job.base)
    found = read_die(die_paths(Path(job.folder), job.die)[0], die_plan(base), job.threads)
    return [np.unpackbits(found.banks(b, b + 1)[0], axis=1, bitorder="little").astype(bool) for b in banks]
