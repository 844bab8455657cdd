"""One die of tiles, from weights to a file: the unit of work that is spread over machines.

A die's files lie in one folder under its number: `die_0003.oas` with the vias and `die_0003.json`, the
manifest, which is written last. A die is finished when its manifest has the key of what is asked for and the
file's hash is the manifest's; anything else is built anew.
"""

__all__ = [
    "FORMAT",
    "DieJob",
    "build_die",
    "die_paths",
    "keep_memory",
    "lines_of",
    "read_die_manifest",
    "site_map",
    "told",
    "write_contents",
]

import ctypes
import functools
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from base_chip.dies import STATUS, Floorplan, load_die
from base_chip.dies.tiles import MACRO_BITS
from flow.files import atomic_write, make_folder, sha256_file
from flow.planning.place import place
from flow.stopwatch import Stopwatch
from metal_configs.checkpoint import load
from metal_configs.compile import Placement
from metal_configs.compile.contents import DieContents, quantise_die
from metal_configs.compile.source import CheckpointSource, QuantisedSource, Source, SyntheticSource
from metal_configs.sitemap import SiteMap
from metal_configs.writer.die import write_die
from metal_configs.writer.gds import write_die_gds
from metal_configs.writer.metal import Written
from rtl_gen.errors import FlowError
from rtl_gen.golden.shape import Shape
from rtl_gen.tiles.macro import WORDS
from rtl_gen.untrusted import read_file

FORMAT = "sc-flow-die-4"

MACRO_SITES = WORDS * MACRO_BITS


@dataclass(frozen=True)
class DieJob:
    """One die to build or to check; plain values, so that it travels.

    Attributes:
        path: Of the checkpoint or quantised model; empty for synthetic weights.
        seed: Of synthetic weights.
        weights: Where the weights come from, in words; in every manifest.
        shape: Fields of the model's `Shape`.
        key: Hash over all that the die's bytes depend on.
        folder: Of the dies.
        threads: For this die.
        gds: Write GDSII, too.
        control: Read back with the negative control.
        quantised: `path` is a quantised model.
    """

    model: str
    path: str
    seed: int
    weights: str
    shape: dict[str, Any]
    base: str
    context: int
    die: int
    key: str
    folder: str
    threads: int = 1
    gds: bool = False
    control: bool = False
    quantised: bool = False

    def source(self) -> Source:
        """The weights."""
        if self.quantised:
            return QuantisedSource(Path(self.path))
        if self.path:
            return CheckpointSource(load(self.path, self.model))
        return SyntheticSource(Shape(**self.shape), self.seed)

    def placement(self, base: Floorplan) -> Placement:
        """Of the model."""
        file = Path(self.path) if self.quantised else None
        written = file.stat().st_mtime_ns if file and file.is_file() else 0  # a missing one is told when read
        return _placed(Shape(**self.shape), base, self.context, file, written)


@functools.lru_cache(maxsize=2)
def _placed(shape: Shape, base: Floorplan, context: int, file: Path | None, written: int) -> Placement:
    """Once for all dies that a process builds or checks: it is a quarter of the work on a small one.

    A quantised file that was written again, at another time, is placed again.
    """
    forms = QuantisedSource(file).forms if file else None
    return place(shape, base, context, forms)


def die_paths(folder: Path, die: int) -> tuple[Path, Path]:
    """File and manifest of a die."""
    return folder / f"die_{die:04}.oas", folder / f"die_{die:04}.json"


def site_map(base: Floorplan) -> SiteMap:
    """Where each bit of a die lies."""
    grid, rom = base.sites, base.rom_geometry
    return SiteMap(
        base.name, rom, base.origins(), grid.x, grid.y, grid.via, base.program_layers[0], base.signs()
    )


def lines_of(base: Floorplan) -> list[range]:
    """Banks of each line of them that stand alike in their tiles: their bit lines are on one grid."""
    columns = len(base.macro_x)
    lines = [range(n * columns, (n + 1) * columns) for n in range(len(base.macro_y))]
    return [line[first :: base.across] for line in lines for first in range(base.across)]


def write_contents(path: Path, held: DieContents, base: Floorplan, threads: int = 1) -> Written:
    """A die's vias as OASIS."""
    rows = base.lay(held.rom, held.vec)
    return write_die(path, rows, site_map(base), lines_of(base), threads)


def build_die(job: DieJob) -> dict[str, Any]:
    """Quantise and write a die, unless it is finished already.

    Returns:
        `die`, `reused`, `why` (what was wrong with files that were there), `seconds`, `cpu`, and the
        manifest's `sites` and `bytes`; or `error`, the fields of a FlowError.
    """
    try:
        return _build(job)
    except FlowError as e:
        return told(job.die, e)


def told(die: int, e: FlowError) -> dict[str, Any]:
    """An error as plain values: what it says must arrive whole, and trying again would not help."""
    return {"die": die, "error": {"what": e.what, "where": e.where, "hint": e.hint, "code": int(e.code)}}


def _build(job: DieJob) -> dict[str, Any]:
    began = Stopwatch()
    folder = Path(job.folder)
    path, manifest = die_paths(folder, job.die)
    wanted = [path, path.with_suffix(".gds")] if job.gds else [path]
    done, why = _finished(job, wanted, manifest)
    if done:
        return _summary(job, done, began, reused=True)
    keep_memory()
    base = load_die(job.base)
    placed = job.placement(base)
    make_folder(folder)
    manifest.unlink(missing_ok=True)
    held = quantise_die(placed, job.die, job.source(), job.threads)
    written = write_contents(path, held, base, job.threads)
    files = {path.name: written.sha256}
    if job.gds:
        files[wanted[1].name] = write_die_gds(wanted[1], base.lay(held.rom, held.vec), site_map(base)).sha256
    data = {
        "format": FORMAT,
        "model": job.model,
        "weights": job.weights,
        "base": {"name": base.name, "sha256": base.digest(), "status": STATUS},
        "key": job.key,
        "die": job.die,
        "dies": len(placed.dies),
        "context": job.context,
        "files": files,
        "bytes": written.size,
        "sites": {"total": len(base.present) * MACRO_SITES, "programmed": sum(written.programmed)},
        "tiles": {
            "rows": base.rom.rows,
            "columns": base.rom.columns,
            "banks": placed.die.macros,
            "across": base.across,
            "order": base.order,
            "outputs": placed.die.outputs,
            "activations": placed.die.activations,
            "align": placed.die.align,
            "vec_columns": base.vec.columns,
            "vec_banks": base.vec.macros,
        },
        "pieces": [
            {
                "matrix": p.matrix.name,
                "row": p.row,
                "factor_row": p.factor_row,
                "blocks": p.blocks,
                "first_output": p.first_output,
                "outputs": p.outputs,
                "inputs": p.matrix.inputs,
                "bits": p.matrix.bits,
                "chunk": p.matrix.each,
                "spans": p.matrix.spans,
                **asdict(h),
            }
            for p, h in zip(placed.dies[job.die], held.pieces, strict=True)
        ],
    }
    atomic_write(manifest, (json.dumps(data, sort_keys=True, separators=(",", ":")) + "\n").encode())
    return _summary(job, data, began, reused=False) | {"why": why}


def _summary(job: DieJob, data: dict[str, Any], began: Stopwatch, *, reused: bool) -> dict[str, Any]:
    keep = {k: data[k] for k in ("sites", "bytes")}
    return {"die": job.die, "reused": reused, "why": "", **began.read(), **keep}


def _finished(job: DieJob, files: list[Path], manifest: Path) -> tuple[dict[str, Any] | None, str]:
    """The manifest of a finished die, or why there is none."""
    if not manifest.exists():
        return None, ""
    try:
        data = read_die_manifest(manifest)
    except FlowError as e:
        return None, e.what
    if data["base"]["sha256"] != load_die(job.base).digest():
        return None, f"made for another {data['base']['name']}"
    if data["key"] != job.key:
        return None, "made from something else"
    for path in files:
        if path.name not in data["files"]:
            return None, f"{path.name} was not asked for before"
        if not path.is_file():
            return None, f"{path.name} is missing"
        if sha256_file(path) != data["files"][path.name]:
            return None, f"{path.name} is damaged"
    return data, ""


def read_die_manifest(path: Path) -> dict[str, Any]:
    """A die's manifest.

    Raises:
        FlowError: It is missing, damaged or of another format.
    """
    hint = "Run the same command again: the die is built anew."
    try:
        data = json.loads(read_file(path, 256 << 20))
    except (ValueError, RecursionError, FlowError) as e:
        raise FlowError(f"cannot read the die's manifest ({e})", where=str(path), hint=hint) from e
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise FlowError(f"not a die's manifest of format {FORMAT}", where=str(path), hint=hint)
    return data


def keep_memory() -> None:
    """Let the allocator keep what it has: getting pages anew for every array costs as much as the work."""
    trim_threshold, mmap_threshold = -1, -3
    try:
        libc = ctypes.CDLL(None)
        libc.mallopt(trim_threshold, 1 << 28)
        libc.mallopt(mmap_threshold, 1 << 28)
    except (OSError, AttributeError):
        return  # another C library: slower, and the same bytes
