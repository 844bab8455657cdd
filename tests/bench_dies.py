"""Writers and readers of one metal config, doing the same job in one run: `make bench`.

A ROM macro of 256 x 128 in each of eight rom tiles side by side, with 4-bit weights (Gaussian, rounded with
the least square error), many times over for quick ones. Seconds are the processor's, on one core; the last
column is the ratio to this project's.
"""

import io
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import gdstk
import klayout.db as kdb
import numpy as np

from base_chip.bank import BankSpec, SiteGrid
from base_chip.tiles import tile_size
from flow.chain.die import keep_memory
from metal_configs.quantise.stream import round_rows
from metal_configs.sitemap import SiteMap, bank_bits
from metal_configs.writer.die import write_die
from rtl_gen.golden.rom import RomGeometry
from signoff.readback.die import DiePlan, read_die

BANKS = 8
LAYER = (69, 44)
GRID = SiteGrid.of(BankSpec(256, 128))
ROM = RomGeometry(BANKS, 256, 128, 1)
X, Y = np.arange(BANKS) * tile_size("rom")[0], np.zeros(1, np.int64)  # the same macro of tiles side by side
SITES = SiteMap("bench", ROM, np.stack([X, np.zeros(BANKS, np.int64)], 1), GRID.x, GRID.y)
PLAN = DiePlan(X, Y, np.ones(BANKS, int), np.ones(1, int), np.arange(BANKS), GRID.x, GRID.y, GRID.via, LAYER)


def weights() -> np.ndarray:
    """Words full of rounded weights, uint8 [words, 16]."""
    w = np.random.default_rng(1).standard_normal((32, ROM.rows), np.float32)
    codes = (round_rows(w, 4)[0].T & 15).astype(np.uint8)
    return codes[:, 0::2] | codes[:, 1::2] << 4


def seconds(job: Callable[[], object], least: float = 1.0) -> float:
    """Processor time of one run, the best of several that take `least` seconds together."""
    best, total = float("inf"), 0.0
    while total < least:
        began = time.process_time()
        job()
        took = time.process_time() - began
        best, total = min(best, took), total + took
    return best


class Writers:
    """The same vias by several writers."""

    def __init__(self, rows: np.ndarray, folder: Path) -> None:
        self.rows, self.folder, self.sites = rows, folder, SITES
        bits = bank_bits(rows, ROM, range(BANKS)).reshape(ROM.word_lines, -1)
        x = np.concatenate([self.sites.x + o for o in self.sites.origins[:, 0]])
        y = self.sites.y + self.sites.origins[0, 1]
        line, column = np.nonzero(bits)
        self.centres = np.stack([x[column], y[line]], axis=1).tolist()
        self.lines = [(int(y[n]), x[np.flatnonzero(bits[n])]) for n in range(len(bits)) if bits[n].any()]

    def ours(self) -> Path:
        return write_die(self.folder / "ours.oas", self.rows, self.sites, [range(BANKS)]).path

    def klayout_shapes(self) -> Path:
        layout = kdb.Layout()
        shapes = layout.create_cell("m").shapes(layout.layer(*LAYER))
        for x, y in self.centres:
            shapes.insert(kdb.Box(x - 100, y - 100, x + 100, y + 100))
        return self._save(layout, "klayout_shapes.oas")

    def klayout_repetitions(self) -> Path:
        """KLayout's own compression finds the arrays that OASIS can hold."""
        layout = kdb.Layout()
        shapes = layout.create_cell("m").shapes(layout.layer(*LAYER))
        for x, y in self.centres:
            shapes.insert(kdb.Box(x - 100, y - 100, x + 100, y + 100))
        return self._save(layout, "klayout_rep.oas", 10)

    def _save(self, layout: kdb.Layout, name: str, level: int = 0) -> Path:
        options = kdb.SaveLayoutOptions()
        options.format = "OASIS"
        options.oasis_write_cblocks = True
        options.oasis_compression_level = level
        layout.write(str(self.folder / name), options)
        return self.folder / name

    def gdstk_shapes(self) -> Path:
        cell = gdstk.Cell("m")
        for x, y in self.centres:
            corners = ((x - 100) / 1e3, (y - 100) / 1e3), ((x + 100) / 1e3, (y + 100) / 1e3)
            cell.add(gdstk.rectangle(*corners, layer=LAYER[0], datatype=LAYER[1]))
        return self._write(cell, "gdstk_shapes.oas")

    def gdstk_repetitions(self) -> Path:
        cell = gdstk.Cell("m")
        for y, xs in self.lines:
            x = int(xs[0])
            corners = ((x - 100) / 1e3, (y - 100) / 1e3), ((x + 100) / 1e3, (y + 100) / 1e3)
            shape = gdstk.rectangle(*corners, layer=LAYER[0], datatype=LAYER[1])
            if len(xs) > 1:
                shape.repetition = gdstk.Repetition(x_offsets=((xs[1:] - x) / 1e3).tolist())
            cell.add(shape)
        return self._write(cell, "gdstk_rep.oas")

    def _write(self, cell: gdstk.Cell, name: str) -> Path:
        library = gdstk.Library(unit=1e-6, precision=1e-9)
        library.add(cell)
        library.write_oas(str(self.folder / name), compression_level=9)
        return self.folder / name


def read_ours(path: Path) -> int:
    """File to every word."""
    found = read_die(path, PLAN)
    found.banks()
    return found.vias


def read_klayout(path: Path) -> int:
    """File to coordinates, shape by shape."""
    layout = kdb.Layout()
    layout.read(str(path))
    shapes = layout.top_cell().shapes(layout.layer(*LAYER))
    return len([(s.box.left, s.box.bottom) for s in shapes.each()])


def read_gdstk(path: Path) -> int:
    """File to coordinates, repetitions unfolded."""
    (cell,) = gdstk.read_oas(str(path)).cells
    return len([p.points[0] for p in cell.get_polygons()])


def main(out: io.TextIOBase = sys.stdout) -> None:  # type: ignore[assignment]
    """Run everything and print the two tables."""
    keep_memory()
    rows, sites = weights(), PLAN.sites
    with tempfile.TemporaryDirectory() as folder:
        w = Writers(rows, Path(folder))
        jobs = {
            "sc-flow": w.ours,
            "klayout.db, shape by shape": w.klayout_shapes,
            "klayout.db, repetitions found by it": w.klayout_repetitions,
            "gdstk, shape by shape": w.gdstk_shapes,
            "gdstk, repetition per word line": w.gdstk_repetitions,
        }
        ones = len(w.centres) / sites
        print(f"{sites:,} sites, {ones:.1%} of them vias; processor time of one core\n", file=out)
        print(f"{'writer':38}{'M sites/s':>10}{'byte/site':>11}{'times slower':>14}", file=out)
        ours = 0.0
        files = {}
        for name, job in jobs.items():
            took = seconds(job)
            ours = ours or took
            files[name] = job()
            size = files[name].stat().st_size / sites
            print(f"{name:38}{sites / took / 1e6:10.2f}{size:11.3f}{took / ours:14.1f}", file=out)
        print(f"\n{'reader, of the file sc-flow wrote':38}{'M sites/s':>10}{'times slower':>25}", file=out)
        readers = {
            "sc-flow, to words": read_ours,
            "klayout.db, to coordinates": read_klayout,
            "gdstk, to coordinates": read_gdstk,
        }
        ours = 0.0
        for name, read in readers.items():
            if read(files["sc-flow"]) != len(w.centres):
                raise AssertionError(f"{name} finds other than {len(w.centres)} vias")
            took = seconds(lambda read=read: read(files["sc-flow"]))  # type: ignore[misc]
            ours = ours or took
            print(f"{name:38}{sites / took / 1e6:10.2f}{took / ours:25.1f}", file=out)


if __name__ == "__main__":
    main()
