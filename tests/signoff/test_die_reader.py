"""The reader of die files: right on right files, and never wrong or lost on damaged ones."""

import hashlib
import zlib
from dataclasses import replace

import klayout.db as kdb
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from base_chip.bank import BankSpec, SiteGrid
from metal_configs.multi_die.die import write_die
from metal_configs.sitemap import SiteMap
from metal_configs.writer import write_banks
from rtl_gen.errors import FlowError
from signoff.readback.die import DiePlan, read_die
from signoff.readback.weights import PiecePlan, check_pieces
from tests.planned_base import TINY

GRID = SiteGrid.of(BankSpec(64, 64))
SITES = SiteMap(TINY.name, TINY.rom, TINY.origins(), GRID.x, GRID.y)
PLAN = DiePlan(3, 2, (69000, 80000), (10000, 20000), GRID.x, GRID.y, 200, (69, 44))


def random_rows(seed: int, density: float = 0.5) -> np.ndarray:
    bits = np.random.default_rng(seed).random((TINY.rom.rows, TINY.rom.bits)) < density
    return np.packbits(bits, axis=1, bitorder="little")


def read_rows(path, threads: int = 1) -> np.ndarray:
    found = read_die(path, PLAN, threads)
    return np.concatenate([found.rom_rows(n, 1, TINY.rom.mux) for n in range(TINY.rom.banks)])


@given(st.integers(0, 1000), st.sampled_from([0.0, 0.0005, 0.02, 0.5, 0.97, 1.0]), st.sampled_from([1, 2]))
@settings(max_examples=40, deadline=None)
def test_what_was_written_is_read(tmp_path_factory, seed, density, threads):
    path = tmp_path_factory.mktemp("d") / "d.oas"
    rows = random_rows(seed, density)
    written = write_die(path, rows, SITES, 3)
    np.testing.assert_array_equal(read_rows(path, threads), rows)
    assert read_die(path, PLAN).vias == sum(written.programmed)


def test_whole_banks_at_once_and_rows_of_banks(tmp_path):
    rows = random_rows(1)
    write_die(tmp_path / "d.oas", rows, SITES, 3)
    found = read_die(tmp_path / "d.oas", PLAN)
    np.testing.assert_array_equal(found.rom_rows(2, 3, 2), rows[2 * 128 : 5 * 128])


def test_it_reads_what_klayout_wrote_only_if_it_can_do_so_rightly(tmp_path):
    """Another writer's form is refused in words, or read to the same bits."""
    rows = random_rows(2)
    write_die(tmp_path / "d.oas", rows, SITES, 3)
    layout = kdb.Layout()
    layout.read(str(tmp_path / "d.oas"))
    options = kdb.SaveLayoutOptions()
    options.format = "OASIS"
    options.oasis_write_cblocks = True
    layout.write(str(tmp_path / "k.oas"), options)
    with pytest.raises(FlowError, match="damaged, or not a die's metal config"):
        read_die(tmp_path / "k.oas", PLAN)


def test_blocks_that_lean_on_each_other_are_refused(tmp_path):
    image = np.random.default_rng(1).random((TINY.rom.rows, TINY.rom.bits)) < 0.5
    write_banks(tmp_path / "d.oas", TINY.rom.to_banks(image), SITES)
    with pytest.raises(FlowError, match="block at byte"):
        read_die(tmp_path / "d.oas", PLAN)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"layer": (68, 44)}, r"rectangles of 200 x 200 nm on \(69, 44\), expected 200 nm on \(68, 44\)"),
        ({"size": 180}, "expected 180 nm"),
        ({"origin": (10005, 20000)}, "on no bit line|left or right"),
        ({"origin": (10000, 20005)}, "a via on no word line"),
        ({"rows": 1}, "a via on no word line"),
        ({"columns": 2}, "left or right of all bit lines"),
    ],
)
def test_vias_off_their_sites_are_found(tmp_path, change, says):
    write_die(tmp_path / "d.oas", random_rows(3), SITES, 3)
    with pytest.raises(FlowError, match=says):
        read_die(tmp_path / "d.oas", replace(PLAN, **change))


def test_two_vias_at_one_site_are_found(tmp_path, monkeypatch):
    import metal_configs.multi_die.die as die

    plain = die.cblock
    monkeypatch.setattr(die, "cblock", lambda records: plain(records) + plain(records))
    write_die(tmp_path / "d.oas", random_rows(3), SITES, 3)
    with pytest.raises(FlowError, match="two vias at one site"):
        read_die(tmp_path / "d.oas", PLAN)


def test_a_missing_or_short_or_foreign_file(tmp_path):
    with pytest.raises(FlowError, match="cannot read the die"):
        read_die(tmp_path / "none.oas", PLAN)
    (tmp_path / "text.oas").write_text("hello")
    with pytest.raises(FlowError, match="does not begin as OASIS does"):
        read_die(tmp_path / "text.oas", PLAN)
    write_die(tmp_path / "d.oas", random_rows(3), SITES, 3)
    data = (tmp_path / "d.oas").read_bytes()
    for cut in (20, 200, len(data) // 2, len(data) - 1):
        (tmp_path / "cut.oas").write_bytes(data[:cut])
        with pytest.raises(FlowError, match="damaged, or not a die's metal config"):
            read_die(tmp_path / "cut.oas", PLAN)


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    path = tmp_path_factory.mktemp("good") / "d.oas"
    rows = random_rows(7)
    write_die(path, rows, SITES, 3)
    return path.read_bytes(), rows


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), min_size=1, max_size=4), st.booleans())
@settings(max_examples=250, deadline=None)
def test_damage_is_refused_or_changes_what_is_read(tmp_path_factory, good, hits, mend):
    """With the checksum mended, too, so that the parser itself meets the damage."""
    data, rows = bytearray(good[0]), good[1]
    for at, flip in hits:
        data[at % (len(data) - 4)] ^= flip
    assume(bytes(data) != good[0])
    if mend:
        data[-4:] = zlib.crc32(bytes(data[:-4])).to_bytes(4, "little")
    path = tmp_path_factory.mktemp("f") / "d.oas"
    path.write_bytes(bytes(data))
    try:
        found = read_rows(path)
    except FlowError:
        return
    assert mend
    # Read in spite of damage: in padding, in the cell's name, or in a block that still unpacks.
    assert found.shape == rows.shape


@given(st.binary(max_size=400))
@settings(max_examples=150, deadline=None)
def test_any_bytes_in_a_block_are_refused_or_read(tmp_path_factory, raw):
    import io

    from metal_configs.writer.oasis import OasisFile

    stream = io.BytesIO()
    file = OasisFile(stream)
    file.cell("scf_tiny_metal")
    file.block(raw)
    file.close()
    path = tmp_path_factory.mktemp("f") / "d.oas"
    path.write_bytes(stream.getvalue())
    if raw:
        with pytest.raises(FlowError):
            read_die(path, PLAN)
    else:
        assert read_die(path, PLAN).vias == 0


def pieces(rows: np.ndarray) -> tuple[np.ndarray, list[PiecePlan]]:
    """Rows with a matrix of 11 outputs and 5 inputs (8 columns, factors on 4 rows), and its description."""
    rng = np.random.default_rng(4)
    codes, lanes = rng.integers(-8, 8, (11, 5)).astype(np.int8), rng.integers(0, 1 << 16, 11).astype("<u2")
    rows[:] = 0
    for o in range(11):
        at = 3 + o // 8 * 9
        for i in range(5):
            rows[at + i, o % 8 // 2] |= (int(codes[o, i]) & 15) << o % 2 * 4
        rows[at + 5 + o % 8 // 2, o % 2 * 2 : o % 2 * 2 + 2] = np.frombuffer(lanes[o].tobytes(), np.uint8)
    sha = hashlib.sha256
    plan = PiecePlan(
        "m", 3, 2, 8, 1, 5, 11, sha(codes.tobytes()).hexdigest(), sha(lanes.tobytes()).hexdigest()
    )
    return rows, [plan]


def test_pieces_are_checked_bit_by_bit():
    rows, plan = pieces(np.zeros((40, 4), np.uint8))
    assert check_pieces(rows, plan) == []
    for row, byte, says in [
        (4, 1, "weights differ"),
        (9, 0, "factors differ"),
        (12, 2, "vias where the matrix has no output"),
        (19, 0, "vias where the matrix has no output"),
        (1, 0, "vias on rows 0 to 3"),
        (30, 3, "vias on rows 21 on"),
    ]:
        for bit in (1, 128):
            wrong = rows.copy()
            wrong[row, byte] ^= bit
            assert next(f.what for f in check_pieces(wrong, plan)).startswith(says), (row, byte)


def test_a_piece_outside_the_die_is_a_fault():
    rows, plan = pieces(np.zeros((40, 4), np.uint8))
    assert "cannot" in check_pieces(rows, [replace(plan[0], row=30)])[0].what
