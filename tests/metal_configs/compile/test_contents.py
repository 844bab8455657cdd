"""Dies written: what layout tools read is what the placement says, with any number of threads."""

import errno
import hashlib
import tracemalloc
from dataclasses import replace

import klayout.db as kdb
import numpy as np
import pytest

from base_chip.dies import load_die
from flow.chain.die import lines_of, site_map
from flow.planning.place import die_size
from metal_configs.checkpoint import load
from metal_configs.checkpoint.checkpoint import Checkpoint, tensor_shapes
from metal_configs.compile import place_model
from metal_configs.compile.contents import quantise_die
from metal_configs.compile.placement import FACTOR
from metal_configs.compile.source import CheckpointSource, SyntheticSource
from metal_configs.models import KNOWN
from metal_configs.quantise.fold import fold_matrix
from metal_configs.quantise.policy import Format
from metal_configs.quantise.rounding import round_to_nearest
from metal_configs.quantise.stream import round_rows
from metal_configs.writer.die import write_die
from metal_configs.writer.gds import write_die_gds
from metal_configs.writer.oasis import OasisFile
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.shape import Shape
from tests.metal_configs.exports import hollow_gguf
from tests.tiny_die import TINY

SHAPE = Shape(dim=24, layers=2, heads=2, kv_heads=1, head_dim=8, hidden=40, vocab=30, context=32, tied=False)
SITES = site_map(TINY)
LINES = lines_of(TINY)
BITS = {"embed": 6, "q": 3, "k": 8, "v": 7, "gate": 5}
FORMS = {n: Format(BITS.get(n.rpartition(".")[2], 4)) for n in SHAPE.matrices()}
PLACED = place_model(SHAPE, die_size(TINY), 32, FORMS)


class Source:
    """Random codes of any width."""

    shape = SHAPE

    def coded(self, name, bits, first, count):
        from metal_configs.compile.source import Coded

        rng = np.random.default_rng(list(name.encode()))
        codes = rng.integers(-(1 << bits - 1), 1 << bits - 1, SHAPE.matrices()[name]).astype(np.int8)
        return Coded(codes[first : first + count], np.linspace(0.1, 0.2, len(codes))[first : first + count])


def rows_of(die: int, threads: int = 1) -> np.ndarray:
    held = quantise_die(PLACED, die, Source(), threads)
    return TINY.lay(held.rom, held.vec)


def vias(path) -> np.ndarray:
    """Centres as KLayout reads them, sorted."""
    layout = kdb.Layout()
    layout.read(str(path))
    assert layout.dbu == 0.001
    top = layout.top_cell()
    assert top.name == "scf_tiny_metal"
    found = kdb.Region(top.begin_shapes_rec(layout.layer(69, 44)))
    found.merged_semantics = False
    boxes = [p.bbox() for p in found.each()]
    assert {(b.width(), b.height()) for b in boxes} == {(200, 200)}
    return np.array(sorted((b.center().x, b.center().y) for b in boxes))


@pytest.mark.parametrize("die", range(len(PLACED.dies)))
def test_klayout_finds_each_bit_of_each_code_where_the_placement_says(tmp_path, die):
    path = tmp_path / "d.oas"
    written = write_die(path, rows_of(die), SITES, LINES)
    assert written.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()

    def centres(site, chosen):
        here = chosen & (site.die == die)
        bank = TINY.bank(site.row, site.column, site.macro)
        return SITES.place(bank[here], site.word_line[here], site.bit_line[here])

    want, factors = [], set()
    for n, m in enumerate(PLACED.matrices):
        codes = Source().coded(m.name, m.bits, 0, m.outputs).codes.astype(np.int64)
        bits = codes[..., None] >> np.arange(m.bits) & 1
        want.append(centres(PLACED.site(n, *np.indices(bits.shape)), bits == 1))
        at = PLACED.site(n, np.arange(m.outputs)[:, None], FACTOR, np.arange(16))
        factors |= {tuple(p) for p in centres(at, np.full(at.die.shape, True)).tolist()}
    found = vias(path)
    weights = np.array([p for p in map(tuple, found.tolist()) if p not in factors])
    np.testing.assert_array_equal(weights, np.array(sorted(map(tuple, np.concatenate(want).tolist()))))
    assert len(found) == sum(written.programmed)


def test_threads_change_no_byte(tmp_path):
    assert (rows_of(0) == rows_of(0, 3)).all()
    a, b = (write_die(tmp_path / f"{t}.oas", rows_of(0), SITES, LINES, t) for t in (1, 3))
    assert a.path.read_bytes() == b.path.read_bytes()


def test_gdstk_reads_it_and_finds_the_checksum_right(tmp_path):
    gdstk = pytest.importorskip("gdstk")
    path = tmp_path / "d.oas"
    written = write_die(path, rows_of(0), SITES, LINES)
    assert gdstk.oas_validate(str(path))[0]
    (cell,) = gdstk.read_oas(str(path)).top_level()
    middles = [np.rint(p.points.mean(0) * 1000).astype(int).tolist() for p in cell.get_polygons()]
    assert len(middles) == sum(written.programmed)
    np.testing.assert_array_equal(np.array(sorted(middles)), vias(path))


def test_gdsii_holds_the_same_vias(tmp_path):
    rows = rows_of(0)
    oas = write_die(tmp_path / "d.oas", rows, SITES, LINES)
    gds = write_die_gds(tmp_path / "d.gds", rows, SITES)
    assert gds.programmed == oas.programmed
    assert gds.sha256 == hashlib.sha256(gds.path.read_bytes()).hexdigest()
    assert gds.size == gds.path.stat().st_size
    np.testing.assert_array_equal(vias(gds.path), vias(oas.path))


@pytest.mark.parametrize("writer", ["oas", "gds"])
def test_a_full_disk_leaves_no_part_of_a_file(tmp_path, monkeypatch, writer):
    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    rows = rows_of(0)
    monkeypatch.setattr(OasisFile, "close", full)
    monkeypatch.setattr("metal_configs.writer.gds._references", full)
    write = {
        "oas": lambda p: write_die(p, rows, SITES, LINES),
        "gds": lambda p: write_die_gds(p, rows, SITES),
    }
    with pytest.raises(FlowError, match="No space left") as e:
        write[writer](tmp_path / f"d.{writer}")
    assert e.value.code == ExitCode.OUTPUT
    assert "dies that are finished are kept" in str(e.value)
    assert not list(tmp_path.iterdir())


def test_synthetic_rows_do_not_depend_on_how_they_are_asked_for():
    source = SyntheticSource(SHAPE, 5)
    whole = source.rows("layers.0.gate", 0, 40)
    parts = [source.rows("layers.0.gate", a, b - a) for a, b in ((0, 7), (7, 16), (16, 39), (39, 40))]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    assert not np.array_equal(whole, SyntheticSource(SHAPE, 6).rows("layers.0.gate", 0, 40))
    assert not np.array_equal(whole[:24], source.rows("layers.0.up", 0, 24))
    assert abs(whole.std() * 24**0.5 - 1) < 0.1


@pytest.mark.parametrize("by_rows", [True, False])
def test_checkpoint_rows_are_those_of_the_folded_matrix(tmp_path, by_rows):
    rng = np.random.default_rng(1)
    tensors = {n: rng.normal(size=s).astype(np.float32) for n, s in tensor_shapes(SHAPE).items()}
    checkpoint = Checkpoint(
        "c", SHAPE, tmp_path, lambda n: tensors[n],
        read_rows=(lambda n, first, count: tensors[n][first : first + count]) if by_rows else None,
    )  # fmt: skip
    source = CheckpointSource(checkpoint)
    for name in SHAPE.matrices():
        np.testing.assert_allclose(source.rows(name, 3, 4), fold_matrix(checkpoint, name)[3:7], rtol=1e-6)


@pytest.mark.parametrize("bits", [3, 4, 6])
@pytest.mark.parametrize("draw", ["normal", "laplace", "uniform"])
def test_streamed_rounding_is_as_good_as_the_full_search(bits, draw):
    rng = np.random.default_rng(2)
    w = getattr(rng, draw)(size=(64, 512)).astype(np.float32) * rng.lognormal(size=(64, 1)).astype(np.float32)
    codes, scale = round_rows(w, bits)
    exact = round_to_nearest(w, bits)

    def error(c, s):
        return float(((c * s[:, None] - w) ** 2).sum())

    assert codes.min() >= -(1 << bits - 1)
    assert codes.max() < 1 << bits - 1
    assert error(codes, scale) < 1.02 * error(exact.codes, exact.scale)


def test_a_row_of_zeros_has_codes_of_zero_and_a_usable_scale():
    codes, scale = round_rows(np.zeros((2, 16), np.float32), 4)
    assert not codes.any()
    assert (scale > 0).all()


def test_a_final_norm_that_no_matrix_took_up_is_a_diagonal(tmp_path):
    gain = np.array([0.5, -2, 0, *[1] * 21], np.float32)
    checkpoint = Checkpoint("c", SHAPE, tmp_path, {"final_norm": gain}.__getitem__)
    coded = CheckpointSource(checkpoint).coded("final", 3, 1, 2)
    assert coded.codes[:, :4].tolist() == [[0, -1, 0, 0], [0, 0, 1, 0]]
    assert not coded.codes[:, 4:].any()
    assert coded.scale.tolist() == [2, 1e-9]
    assert (SyntheticSource(SHAPE, 1).coded("final", 3, 0, 24).codes == np.eye(24)).all()


def test_a_die_of_a_gguf_file_of_any_size_takes_little_memory(tmp_path):
    """The embedding of Llama 3.1 8B is 2.1 GB in float32; a die holds some hundred of its rows."""
    shape = KNOWN["llama3.1-8b"].shape
    source = CheckpointSource(load(hollow_gguf(tmp_path / "m.gguf", shape)))
    base = load_die("slot")
    placed = place_model(shape, replace(die_size(base), ram_rows=1 << 20, rows=12, columns=3), 1)
    assert {p.matrix.name for p in placed.dies[0]} == {"embed"}
    tracemalloc.start()
    try:
        held = quantise_die(placed, 0, source)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held.rom.shape == (12, 32, 256, 3, 16)
    assert peak < 64 << 20
