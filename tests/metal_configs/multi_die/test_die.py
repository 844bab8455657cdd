"""Dies written: what layout tools read is what the mapping says, whoever writes it with how many threads."""

import errno
import hashlib

import klayout.db as kdb
import numpy as np
import pytest

from base_chip.bank import BankSpec, SiteGrid
from metal_configs.checkpoint.checkpoint import Checkpoint, tensor_shapes
from metal_configs.multi_die import map_model
from metal_configs.multi_die.die import quantise_die, write_die
from metal_configs.multi_die.mapping import FACTOR
from metal_configs.multi_die.source import CheckpointSource, SyntheticSource
from metal_configs.quantise.fold import fold_matrix
from metal_configs.quantise.rounding import round_to_nearest
from metal_configs.quantise.stream import round_rows
from metal_configs.sitemap import SiteMap
from metal_configs.writer.gds import write_die_gds
from metal_configs.writer.oasis import OasisFile
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.shape import Shape
from tests.planned_base import TINY

SHAPE = Shape(dim=24, layers=1, heads=2, kv_heads=1, head_dim=8, hidden=40, vocab=30, context=8)
GRID = SiteGrid.of(BankSpec(64, 64))
SITES = SiteMap(TINY.name, TINY.rom, TINY.origins(), GRID.x, GRID.y)


def wide(name: str) -> int:
    return 6 if name == "embed" else 4


MAPPING = map_model(SHAPE, wide, TINY.rom, columns=8, kv_bits=TINY.kv_bits, context=8)


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


@pytest.mark.parametrize("die", range(len(MAPPING.dies)))
def test_klayout_finds_each_bit_of_each_code_where_the_mapping_says(tmp_path, die):
    source = SyntheticSource(SHAPE, 3)
    held = quantise_die(MAPPING, die, source)
    path = tmp_path / "d.oas"
    written = write_die(path, held.rows, SITES, TINY.banks.columns)
    assert written.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    want = []
    for n, m in enumerate(MAPPING.matrices):
        codes, _ = round_rows(source.rows(m.name, 0, m.outputs), m.bits)
        if m.slots == 1:
            bits = codes.astype(np.int64)[..., None] >> np.arange(4) & 1
        else:
            c = codes.astype(np.int64)[..., None]
            bits = np.concatenate([c >> 3 >> np.arange(4) & 1, (c & 7) >> np.arange(4) & 1], axis=2)
        o, i, b = np.nonzero(bits)
        at = MAPPING.site(n, o, i, b)
        here = at.die == die
        want.append(SITES.place(at.bank[here], at.word_line[here], at.bit_line[here]))
    places = np.indices((TINY.rom.banks, TINY.rom.word_lines, TINY.rom.bit_lines)).reshape(3, -1)
    factor = MAPPING.weight(die, *places).column == FACTOR
    factors = {tuple(p) for p in SITES.place(*places[:, factor & (MAPPING.weight(die, *places).matrix >= 0)])}
    found = vias(path)
    weights = np.array([p for p in map(tuple, found.tolist()) if p not in factors])
    np.testing.assert_array_equal(weights, np.array(sorted(map(tuple, np.concatenate(want).tolist()))))
    assert len(found) == sum(written.programmed)


def test_threads_change_no_byte(tmp_path):
    one, two = (quantise_die(MAPPING, 0, SyntheticSource(SHAPE, 1), threads) for threads in (1, 3))
    assert (one.rows == two.rows).all()
    assert one.pieces == two.pieces
    a, b = (write_die(tmp_path / f"{t}.oas", one.rows, SITES, 3, t) for t in (1, 3))
    assert a.path.read_bytes() == b.path.read_bytes()


def test_gdstk_reads_it_and_finds_the_checksum_right(tmp_path):
    gdstk = pytest.importorskip("gdstk")
    path = tmp_path / "d.oas"
    written = write_die(path, quantise_die(MAPPING, 0, SyntheticSource(SHAPE, 1)).rows, SITES, 3)
    assert gdstk.oas_validate(str(path))[0]
    (cell,) = gdstk.read_oas(str(path)).top_level()
    middles = [np.rint(p.points.mean(0) * 1000).astype(int).tolist() for p in cell.get_polygons()]
    assert len(middles) == sum(written.programmed)
    np.testing.assert_array_equal(np.array(sorted(middles)), vias(path))


def test_gdsii_holds_the_same_vias(tmp_path):
    rows = quantise_die(MAPPING, 0, SyntheticSource(SHAPE, 1)).rows
    oas = write_die(tmp_path / "d.oas", rows, SITES, 3)
    gds = write_die_gds(tmp_path / "d.gds", rows, SITES)
    assert gds.programmed == oas.programmed
    assert gds.sha256 == hashlib.sha256(gds.path.read_bytes()).hexdigest()
    assert gds.size == gds.path.stat().st_size
    np.testing.assert_array_equal(vias(gds.path), vias(oas.path))


@pytest.mark.parametrize("writer", ["oas", "gds"])
def test_a_full_disk_leaves_no_part_of_a_file(tmp_path, monkeypatch, writer):
    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    rows = quantise_die(MAPPING, 0, SyntheticSource(SHAPE, 1)).rows
    monkeypatch.setattr(OasisFile, "close", full)
    monkeypatch.setattr("metal_configs.writer.gds._references", full)
    write = {"oas": lambda p: write_die(p, rows, SITES, 3), "gds": lambda p: write_die_gds(p, rows, SITES)}
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
