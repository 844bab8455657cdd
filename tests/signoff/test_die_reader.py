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
from metal_configs.sitemap import SiteMap
from metal_configs.writer import write_banks
from metal_configs.writer.die import write_die
from rtl_gen.errors import FlowError
from rtl_gen.golden.rom import RomGeometry
from signoff.readback.die import DiePlan, read_die
from signoff.readback.weights import PiecePlan, TilePlan, check_pieces

GRID = SiteGrid.of(BankSpec(64, 64))
ROM = RomGeometry(6, 64, 64, 1)
X, Y = np.array([10000, 130000, 148000]), np.array([90000, 100000])
X_SIGNS, Y_SIGNS = np.array([1, -1, 1]), np.array([-1, 1])
SIGNS = np.stack(np.meshgrid(X_SIGNS, Y_SIGNS), 2).reshape(-1, 2)
ORIGINS = np.stack(np.meshgrid(X, Y), 2).reshape(-1, 2)
SITES = SiteMap("tiny", ROM, ORIGINS, GRID.x, GRID.y, signs=SIGNS)
LINES = [range(3), range(3, 6, 2), range(4, 5)]
PLAN = DiePlan(X, Y, X_SIGNS, Y_SIGNS, np.arange(6), GRID.x, GRID.y, 200, (69, 44))


def random_rows(seed: int, density: float = 0.5) -> np.ndarray:
    bits = np.random.default_rng(seed).random((ROM.rows, ROM.bits)) < density
    return np.packbits(bits, axis=1, bitorder="little")


def read_rows(path, threads: int = 1) -> np.ndarray:
    return read_die(path, PLAN, threads).banks().reshape(ROM.rows, -1)


@given(st.integers(0, 1000), st.sampled_from([0.0, 0.0005, 0.02, 0.5, 0.97, 1.0]), st.sampled_from([1, 2]))
@settings(max_examples=40, deadline=None)
def test_what_was_written_is_read(tmp_path_factory, seed, density, threads):
    path = tmp_path_factory.mktemp("d") / "d.oas"
    rows = random_rows(seed, density)
    written = write_die(path, rows, SITES, LINES)
    np.testing.assert_array_equal(read_rows(path, threads), rows)
    assert read_die(path, PLAN).vias == sum(written.programmed)


def test_some_banks_alone(tmp_path):
    rows = random_rows(1)
    write_die(tmp_path / "d.oas", rows, SITES, LINES)
    found = read_die(tmp_path / "d.oas", PLAN)
    for first, stop in ((0, 6), (2, 5), (4, 5), (3, 6)):
        np.testing.assert_array_equal(found.banks(first, stop), rows.reshape(6, 64, -1)[first:stop])


def test_a_via_where_no_bank_stands_is_found(tmp_path):
    rows = random_rows(1)
    write_die(tmp_path / "d.oas", rows, SITES, LINES)
    part = replace(PLAN, present=np.array([0, 1, 2, 3, 5]))
    with pytest.raises(FlowError, match="a via where no bank stands"):
        read_die(tmp_path / "d.oas", part)
    rows.reshape(6, 64, -1)[4] = 0
    write_die(tmp_path / "d.oas", rows, SITES, LINES)
    assert read_die(tmp_path / "d.oas", part).vias
    assert part.sites == 5 * 64 * 64


def test_it_reads_what_klayout_wrote_only_if_it_can_do_so_rightly(tmp_path):
    """Another writer's form is refused in words, or read to the same bits."""
    rows = random_rows(2)
    write_die(tmp_path / "d.oas", rows, SITES, LINES)
    layout = kdb.Layout()
    layout.read(str(tmp_path / "d.oas"))
    options = kdb.SaveLayoutOptions()
    options.format = "OASIS"
    options.oasis_write_cblocks = True
    layout.write(str(tmp_path / "k.oas"), options)
    with pytest.raises(FlowError, match="damaged, or not a die's metal config"):
        read_die(tmp_path / "k.oas", PLAN)


def test_blocks_that_lean_on_each_other_are_refused(tmp_path):
    image = np.random.default_rng(1).random((ROM.rows, ROM.bits)) < 0.5
    write_banks(tmp_path / "d.oas", ROM.to_banks(image), SITES)
    with pytest.raises(FlowError, match="block at byte"):
        read_die(tmp_path / "d.oas", PLAN)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"layer": (68, 44)}, r"rectangles of 200 x 200 nm on \(69, 44\), expected 200 nm on \(68, 44\)"),
        ({"size": 180}, "expected 180 nm"),
        ({"columns": X + 5}, "on no bit line"),
        ({"lines": Y + 5}, "a via on no word line"),
        ({"lines": Y[:1], "y_signs": Y_SIGNS[:1]}, "a via on no word line"),
        ({"columns": X[:2], "x_signs": X_SIGNS[:2]}, "on no bit line"),
    ],
)
def test_vias_off_their_sites_are_found(tmp_path, change, says):
    write_die(tmp_path / "d.oas", random_rows(3), SITES, LINES)
    with pytest.raises(FlowError, match=says):
        read_die(tmp_path / "d.oas", replace(PLAN, **change))


def test_two_vias_at_one_site_are_found(tmp_path, monkeypatch):
    import metal_configs.writer.die as die

    plain = die.cblock
    monkeypatch.setattr(die, "cblock", lambda records: plain(records) + plain(records))
    write_die(tmp_path / "d.oas", random_rows(3), SITES, LINES)
    with pytest.raises(FlowError, match="two vias at one site"):
        read_die(tmp_path / "d.oas", PLAN)


def test_a_missing_or_short_or_foreign_file(tmp_path):
    with pytest.raises(FlowError, match="cannot read the die"):
        read_die(tmp_path / "none.oas", PLAN)
    (tmp_path / "text.oas").write_text("hello")
    with pytest.raises(FlowError, match="does not begin as OASIS does"):
        read_die(tmp_path / "text.oas", PLAN)
    write_die(tmp_path / "d.oas", random_rows(3), SITES, LINES)
    data = (tmp_path / "d.oas").read_bytes()
    for cut in (20, 200, len(data) // 2, len(data) - 1):
        (tmp_path / "cut.oas").write_bytes(data[:cut])
        with pytest.raises(FlowError, match="damaged, or not a die's metal config"):
            read_die(tmp_path / "cut.oas", PLAN)


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    path = tmp_path_factory.mktemp("good") / "d.oas"
    rows = random_rows(7)
    write_die(path, rows, SITES, LINES)
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


# 2 x 2 tiles of 6 banks, 3 side by side; 3 in a vec tile
TILE = TilePlan(2, 2, 6, 3, (4, 1, 0, 5, 2, 3), 4, 2, 1, 2, 3)
PIECE = PiecePlan("m", 3, 1, 2, 6, 5, 2, 19, 13, "", "")


def pieces() -> tuple[np.ndarray, PiecePlan]:
    """The banks of a die, 8 words of 16 bits each, with a matrix of 13 outputs and 19 inputs of 6 bits."""
    rng = np.random.default_rng(4)
    codes, lanes = rng.integers(-32, 32, (13, 19)).astype(np.int8), rng.integers(1, 1 << 16, 13).astype("<u2")
    lines = 1 + 2 * 2  # of the vec tiles, and two for each row of rom tiles
    banks = np.zeros((lines, 2, 3, 8, 2), np.uint8)  # [line, column of tiles, across, word, byte]

    def put(row, column, bank, word, output, digit):
        line, across = divmod(TILE.order[bank], 3)
        banks[1 + (1 - row) * 2 + line, column, across, word, output // 2] |= digit << output % 2 * 4

    for o in range(13):
        block, column, output = o // 8, o // 4 % 2, o % 4
        for i in range(19):
            chunk, inner = divmod(i, 5)
            span, row = divmod(chunk, 2)
            # A span has 3 rows of 4-bit digits, and 2 of 2-bit ones, which two groups of 4 inputs share.
            first = 3 + block * 10 + span * 5
            digit = int(codes[o, i]) >> 2 & 15
            at = first + inner // 2
            put(row, column, inner % 2 * 3 + at // 8, at % 8, output, digit)
            half, place = divmod(inner, 4)
            at = first + 3 + place // 2
            put(row, column, place % 2 * 3 + at // 8, at % 8, output, (int(codes[o, i]) & 3) << 2 * half)
        # One lane a word here: 8 words of factors a block, two columns of 4 outputs each.
        at = 1 + block * 8 + column * 4 + output
        banks[0, 0, at // 8, at % 8] = np.frombuffer(lanes[o].tobytes(), np.uint8)
    sha = hashlib.sha256
    told = replace(
        PIECE, codes_sha256=sha(codes.tobytes()).hexdigest(), factors_sha256=sha(lanes.tobytes()).hexdigest()
    )
    return banks.reshape(-1, 8, 2), told


def test_pieces_are_checked_bit_by_bit():
    banks, told = pieces()
    assert check_pieces(banks, TILE, [told]) == []
    found = set()
    for bank, word, byte, bit in np.ndindex(*banks.shape, 8):
        if (bank * 8 + word) % 3 and bank > 5:  # some of them: there are thousands
            continue
        wrong = banks.copy()
        wrong[bank, word, byte] ^= 1 << bit
        faults = check_pieces(wrong, TILE, [told])
        if bank in (3, 4, 5):  # no vec tile stands there: read_die refuses such vias
            assert not faults
            continue
        assert faults, (bank, word, byte, bit)
        found |= {f.what.split(" on rows")[0].split(" before row")[0] for f in faults}
    assert found == {
        "weights differ", "factors differ", "vias where the matrix has no output or no input", "vias",
    }  # fmt: skip


def test_a_piece_outside_the_die_is_a_fault():
    banks, told = pieces()
    for where in ({"row": 30}, {"factor_row": 20}):
        assert "cannot" in check_pieces(banks, TILE, [replace(told, **where)])[0].what
    assert "cannot" in check_pieces(banks, TILE, [told, replace(told, row=5)])[0].what
