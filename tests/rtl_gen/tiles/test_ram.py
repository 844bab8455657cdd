"""Ram tiles against exact sums: keys, values and adapters are multiplied as they were written."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtl_gen.golden.tile import Pass, RamTileModel
from rtl_gen.tiles.ram import RamTileSize, ram_tile_verilog
from rtl_gen.tiles.rom import RomTileSize
from tests.rtl_gen.tiles.bench import cycles_of, random_tile, run

SIZE = RamTileSize(words=64, columns=16)


def seek(row, column):
    low = row << SIZE.column_bits | column
    return {"x": [(low & 255) - (low & 128) * 2, low >> 8], "seek": 1}


def select(tile):
    return {"x": [tile, 0], "one": 1}


def write(row, column, values, *, down):
    flag = "first" if down else "last"
    return [seek(row, column), *({"x": [int(v), 0], flag: 1} for v in values)]


def fill(words):
    """Steps that write all of a tile, row by row."""
    return [step for row, values in enumerate(words) for step in write(row, 0, values, down=False)]


def wide(p):
    """The same pass for a step of two activations, of which a ram tile takes the first."""
    return Pass(p.row, np.pad(p.x, ((0, 0), (0, 1)), constant_values=99), p.column, p.one)


def passes(program):
    return cycles_of(SIZE, [wide(p) for p in program])


def sums(seen):
    return [value for _, value in seen]


@settings(max_examples=8, deadline=None)
@given(st.data())
def test_what_is_written_where_is_multiplied(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    model = RamTileModel(SIZE.words, SIZE.columns)
    rows = 6
    model.words[:rows] = rng.integers(-128, 128, (rows, SIZE.columns))
    steps = [select(0), *fill(model.words[:rows])]
    for _ in range(data.draw(st.integers(0, 4))):
        down = data.draw(st.booleans())
        row, column = data.draw(st.integers(0, rows - 1)), data.draw(st.integers(0, SIZE.columns - 1))
        longest = rows - row if down else SIZE.columns - column
        values = rng.integers(-128, 128, data.draw(st.integers(1, longest)))
        model.write(row, column, values, down=down)
        steps += write(row, column, values, down=down)
    first = data.draw(st.integers(0, rows - 1))
    x = rng.integers(-128, 128, (rows - first, 1)).astype(np.int8)
    program = [Pass(first, x), Pass(0, x[:1], data.draw(st.integers(0, SIZE.columns - 1)), True)]
    seen = run([SIZE], [[None]], [steps + passes(program)])
    assert sums(seen[0]) == [v for p in program for v in model.sums(p).tolist()]


def test_only_the_selected_tile_is_written():
    keys = np.arange(-24, 24).reshape(3, 16)
    steps = [select(0), *fill(np.zeros((3, 16), int)), select(1), *fill(np.zeros((3, 16), int))]
    steps += [select(1), *fill(keys), select(2), *fill(keys + 5)]
    x = np.array([[2], [-3], [7]], np.int8)
    seen = run([SIZE], [[None, None]], [steps + passes([Pass(0, x)])])
    assert sums(seen[0]) == [0] * 16
    assert sums(seen[1]) == (x[:, 0] @ keys).tolist()


def test_scores_then_the_mix_of_attention_with_a_position_written_between():
    """Keys lie a column a position, values a row a position, as they come."""
    rng = np.random.default_rng(3)
    head, positions = 8, 16
    keys, values = rng.integers(-128, 128, (2, positions, head))
    query, p = rng.integers(-128, 128, head).astype(np.int8), rng.integers(0, 128, positions).astype(np.int8)
    steps = [select(0)]
    for t in range(positions):
        steps += write(0, t, keys[t], down=True)
        steps += write(16 + t, 0, np.pad(values[t], (0, 16 - head)), down=False)
    program = [Pass(0, query[:, None]), Pass(16, p[:, None])]
    got = sums(run([SIZE], [[None]], [steps + passes(program)])[0])
    assert got[:positions] == (keys @ query.astype(int)).tolist()
    assert got[16 : 16 + head] == (p.astype(int) @ values).tolist()


def test_an_adapter_in_ram_adds_to_the_sums_of_the_matrix_in_rom():
    rom = RomTileSize(banks=4, rows=2, columns=16)
    tile = random_tile(rom, 5)
    rng = np.random.default_rng(6)
    b, ax = rng.integers(-128, 128, (4, 16)), rng.integers(-128, 128, (4, 1)).astype(np.int8)
    x = rng.integers(-128, 128, (9, 2)).astype(np.int8)
    load = [select(0), *fill(b)]
    below = load + passes([Pass(0, ax)])
    above = cycles_of(rom, [Pass(30, x)])
    # Their last steps meet: the rom's row is to the north, so its step comes a cycle before.
    above = [{}] * (len(below) - len(above)) + above
    below = [{}] * (len(above) - len(below)) + below
    seen = run([rom, SIZE], [[tile], [None]], [above, below])
    assert sums(seen[0]) == (tile.sums(Pass(30, x)) + ax[:, 0].astype(int) @ b).tolist()


def test_sums_over_all_rows_are_exact_at_the_extreme():
    steps = [select(0)]
    for row in range(SIZE.words):
        steps += write(row, 3, [-128], down=False)
    x = np.full((SIZE.words, 1), -128, np.int8)
    seen = run([SIZE], [[None]], [steps + passes([Pass(0, x, 3, True)])])
    assert sums(seen[0]) == [SIZE.words * 128 * 128]
    assert SIZE.sum_bits == 22


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ({"words": 100}, "64, 128 or 256, got 100"),
        ({"columns": 8}, "power of two from 16 on, got 8"),
        ({"words": 256, "step_rows": 1}, "1 activations cannot address 256 rows"),
    ],
)
def test_sizes_that_make_no_tile(args, says):
    with pytest.raises(ValueError, match=says):
        RamTileSize(**args)


def test_writes_that_do_not_fit_are_refused_by_the_model():
    model = RamTileModel(64, 16)
    with pytest.raises(ValueError, match="2 bytes from row 63, column 0 on; 1 fit"):
        model.write(63, 0, np.array([1, 2]), down=True)


def test_verilog_is_the_same_each_time():
    assert ram_tile_verilog(SIZE) == ram_tile_verilog(SIZE)
    assert ram_tile_verilog(SIZE).count("scf_ram_64x128 macro") == 1
