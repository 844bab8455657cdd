"""Rom tiles and arrays of them against exact sums: chunking, passes, draining while accumulating, reset."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtl_gen.golden.chunk import Chunk
from rtl_gen.golden.factors import Factors
from rtl_gen.golden.matrix import Matrix, planes
from rtl_gen.golden.tile import Pass, Plane, RomTileModel
from rtl_gen.tiles.rom import RomTileSize, rom_tile_verilog
from tests.rtl_gen.tiles.bench import cycles_of, random_tile, run

SIZE = RomTileSize(banks=4, rows=2, columns=8)
TILE = random_tile(SIZE, 1)


@st.composite
def passes_of(draw, size=SIZE, least=1, most=5):
    out, row = [], 0
    for _ in range(draw(st.integers(least, most))):
        steps = draw(st.integers(1, 14))
        plane = draw(st.sampled_from(Plane))
        if draw(st.booleans()) or row + steps > size.depth:
            row = draw(st.integers(0, size.depth - steps))
        extreme = st.sampled_from((-128, -127, -1, 0, 1, 127))
        x = draw(st.lists(st.integers(-128, 127) | extreme, min_size=2 * steps, max_size=2 * steps))
        column = draw(st.integers(0, size.columns - 1)) if draw(st.booleans()) else 0
        x = np.array(x, np.int8).reshape(steps, 2)
        out.append(Pass(row, x, column, draw(st.booleans()), plane))
        row += steps
    return out


def sums(seen):
    return [value for _, value in seen]


@settings(max_examples=25, deadline=None)
@given(passes_of(), st.lists(st.integers(0, 3), max_size=4), st.lists(st.booleans(), max_size=3))
def test_sums_of_any_passes_with_any_gaps(program, gaps, seek):
    seen = run([SIZE], [[TILE]], [cycles_of(SIZE, program, gaps, seek)])
    assert sums(seen[0]) == [v for p in program for v in TILE.sums(p).tolist()]


def test_macros_that_select_among_rows_give_the_same_sums():
    size = RomTileSize(banks=16, rows=1, columns=8)
    assert size.mux == 4
    tile = random_tile(size, 3)
    x = np.random.default_rng(2).integers(-128, 128, (23, 1)).astype(np.int8)
    program = [Pass(row, x, 0, plane=plane) for row, plane in zip((0, 1024, 2944), Plane, strict=False)]
    seen = run([size], [[tile]], [cycles_of(size, program)])
    assert sums(seen[0]) == [v for p in program for v in tile.sums(p).tolist()]


def test_the_next_pass_accumulates_while_the_sums_of_the_last_leave():
    x = np.arange(-16, 16, dtype=np.int8).reshape(8, 2, 2)
    program = [Pass(8 * n, np.concatenate([x[n]] * 4), 0) for n in range(8)]
    cycles = cycles_of(SIZE, program)
    assert all(cycles[1:])  # no cycle without a row: each pass of 8 rows hides 8 sums
    seen = run([SIZE], [[TILE]], [cycles])
    assert sums(seen[0]) == [v for p in program for v in TILE.sums(p).tolist()]
    when = [cycle for cycle, _ in seen[0]]
    assert when == list(range(when[0], when[0] + 64))  # a sum in every cycle


def test_latency_is_what_the_plan_counts():
    from base_chip.pdk.constants import values

    cycles = cycles_of(SIZE, [Pass(0, np.ones((3, 2), np.int8))])
    (first, _), *_ = run([SIZE], [[TILE]], [cycles])[0]
    assert first - (len(cycles) - 1) == values("sky130", "fabric")["step_stages"]


@settings(max_examples=10, deadline=None)
@given(st.data())
def test_however_a_matrix_is_cut_its_sums_are_the_same(data):
    rows, columns = data.draw(st.sampled_from([(1, 1), (2, 1), (1, 2), (2, 2), (3, 2)]))
    inputs, outputs = data.draw(st.integers(1, 30)), columns * SIZE.columns
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    matrix, x = rng.integers(-8, 8, (outputs, inputs)), rng.integers(-128, 128, inputs)
    # Each row of tiles takes as many steps; inputs that are missing are zero.
    steps = -(-inputs // (rows * SIZE.rows))
    chunk = steps * SIZE.rows
    wide = np.zeros((outputs, rows * chunk), int)
    wide[:, :inputs] = matrix
    vector = np.zeros(rows * chunk, np.int8)
    vector[:inputs] = x
    row = data.draw(st.integers(0, SIZE.depth - steps))
    models, programs = [], []
    for r in range(rows):
        line = []
        for c in range(columns):
            slots = np.zeros((SIZE.depth, SIZE.rows, SIZE.columns), np.uint8)
            part = wide[c * SIZE.columns : (c + 1) * SIZE.columns, r * chunk : (r + 1) * chunk]
            slots[row : row + steps] = part.T.reshape(steps, SIZE.rows, SIZE.columns) & 15
            line.append(RomTileModel(slots, SIZE.sum_bits))
        models.append(line)
        program = [Pass(row, vector[r * chunk : (r + 1) * chunk].reshape(steps, SIZE.rows))]
        programs.append(cycles_of(SIZE, program))
    seen = run([SIZE] * rows, models, programs)
    assert [v for column in seen for v in sums(column)] == (matrix @ x).tolist()
    # Columns of tiles follow each other by one cycle, the hop from west to east.
    assert [s[0][0] for s in seen] == [seen[0][0][0] + c for c in range(columns)]


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 40))
def test_a_reset_of_one_cycle_at_any_moment_ends_everything_and_the_next_passes_are_right(moment):
    first = cycles_of(SIZE, [Pass(3, np.full((9, 2), 7, np.int8)), Pass(40, np.full((9, 2), -7, np.int8))])
    # The second row of tiles is two cycles behind; no step comes after the reset.
    cuts = [(first[: max(0, moment - r)] + [{}] * moment)[:moment] for r in range(2)]
    then = [Pass(100, np.full((5, 2), 3, np.int8)), Pass(200, np.full((12, 2), -128, np.int8))]
    second = cycles_of(SIZE, then)
    programs = [cut + [{}] * 4 + second for cut in cuts]
    columns = run([SIZE] * 2, [[TILE, TILE], [TILE, TILE]], programs, reset_at=moment)
    expected = [v for p in then for v in (2 * TILE.sums(p)).tolist()]
    for c, seen in enumerate(columns):
        assert sums(seen)[-len(expected) :] == expected
        late = [cycle for cycle, _ in seen if moment + 2 + c < cycle < moment + 4 + c + len(second[:6])]
        assert late == []


def test_the_longest_exact_pass_and_one_row_more():
    size = RomTileSize(banks=4, rows=2, columns=8, sum_bits=16)
    slots = np.full((size.depth, 2, 8), 8, np.uint8)
    model = RomTileModel(slots, size.sum_bits)
    assert size.most_inputs == 31
    x = np.full((16, 2), -128, np.int8)
    x[-1, 1] = 0
    assert sums(run([size], [[model]], [cycles_of(size, [Pass(0, x)])])[0]) == [31 * 1024] * 8
    x[-1, 1] = -128
    with pytest.raises(ValueError, match="needs more than 16 bits"):
        model.sums(Pass(0, x))


def test_a_single_column_reads_codes_as_an_embedding_does():
    x = np.array([[1, 0]], np.int8)
    program = [Pass(row, x, 5, True) for row in range(6)]
    cycles = cycles_of(SIZE, program)
    assert len(cycles) == 7  # one seek, then a code a cycle
    assert sums(run([SIZE], [[TILE]], [cycles])[0]) == ((TILE.slots[:6, 0, 5] ^ 8).astype(int) - 8).tolist()


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ({"banks": 12}, "power of two, got 12"),
        ({"banks": 2, "rows": 4}, "2 banks cannot give 4 rows"),
        ({"columns": 512, "rows": 1}, "cannot address 512 columns"),
        ({"sum_bits": 27}, "from 12 to 24, got 27"),
    ],
)
def test_sizes_that_make_no_tile(args, says):
    with pytest.raises(ValueError, match=says):
        RomTileSize(**args)


def test_verilog_is_the_same_each_time_and_names_its_ports():
    text = rom_tile_verilog(SIZE)
    assert text == rom_tile_verilog(SIZE)
    for port in ("west_payload", "east_valid", "north_payload", "south_valid", "clk", "rst"):
        assert f" {port};" in text
    assert text.count("scf_rom_256x32 macro") == SIZE.banks
    assert text.count("always @(negedge") == 5  # payload and valid of both seams, reset


def test_no_output_of_a_tile_depends_on_an_input_within_a_cycle():
    """A change of every input between two edges leaves every output where it was."""
    from amaranth.sim import Simulator

    from rtl_gen.tiles.rom import RomTile

    tile = RomTile(SIZE)

    async def drive(ctx):
        ctx.set(tile.west.valid, 1)
        ctx.set(tile.north.valid, 1)
        for value in (0x155, 0x0AA):
            ctx.set(tile.west.payload.x[0], (value & 255) - 128)
            ctx.set(tile.west.payload.row, value & 1)
            ctx.set(tile.north.payload, value)
            outs = (tile.east.payload.x[0], tile.east.valid, tile.south.payload, tile.south.valid)
            before = [ctx.get(o) for o in outs]
            ctx.set(tile.west.payload.x[0], 5)
            ctx.set(tile.north.payload, 12345)
            ctx.set(tile.west.payload.row, ~value & 1)
            assert [ctx.get(o) for o in outs] == before
            assert not any(ctx.get(pins.enable) for pins in tile.banks) or value == 0x0AA
            await ctx.tick()

    sim = Simulator(tile)
    sim.add_clock(1e-6)
    sim.add_testbench(drive)
    sim.run()


@settings(max_examples=10, deadline=None)
@given(st.sampled_from([3, 4, 5, 6, 7, 8]), st.integers(1, 40), st.integers(0, 99))
def test_codes_of_any_width_take_their_bits_and_no_more(bits, inputs, seed):
    """A matrix of 3 to 8 bits: digits of 4, 2 and 1 bits in rows without gaps, sums of all passes joined."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(-(1 << bits - 1), 1 << bits - 1, (SIZE.columns, inputs))
    x = rng.integers(-128, 128, inputs).astype(np.int8)
    chunk, row = Chunk.of(codes, bits, SIZE.rows), 8
    assert len(chunk.slots) <= inputs * bits / 8 + len(planes(codes, bits))
    slots = np.zeros((SIZE.depth, SIZE.rows, SIZE.columns), np.uint8)
    slots[row : row + len(chunk.slots)] = chunk.slots
    program = chunk.passes(x, row)
    got = sums(run([SIZE], [[RomTileModel(slots, SIZE.sum_bits)]], [cycles_of(SIZE, program)])[0])
    joined = chunk.join(np.array(got).reshape(len(program), -1))
    assert joined.tolist() == (codes @ x.astype(int)).tolist()


def test_tiles_give_the_sums_of_the_golden_models_matrix():
    """A matrix of 6 bits on two by two tiles: its rows of tiles add, as `Matrix.sums` says of chunks."""
    rng = np.random.default_rng(11)
    grid, inputs, outputs = (2, 2), 22, 2 * SIZE.columns
    matrix = Matrix(6, rng.integers(-32, 32, (outputs, inputs)).astype(np.int8), Factors.of(np.ones(outputs)))
    x = rng.integers(-128, 128, inputs).astype(np.int8)
    models, programs = [], []
    for r in range(grid[0]):
        chunk = slice(r * inputs // 2, (r + 1) * inputs // 2)
        line = []
        for c in range(grid[1]):
            part = Chunk.of(matrix.codes[c * SIZE.columns : (c + 1) * SIZE.columns, chunk], 6, SIZE.rows)
            slots = np.zeros((SIZE.depth, SIZE.rows, SIZE.columns), np.uint8)
            slots[: len(part.slots)] = part.slots
            line.append(RomTileModel(slots, SIZE.sum_bits))
        models.append(line)
        program = part.passes(x[chunk], 0)
        programs.append(cycles_of(SIZE, program))
        assert [m.sums(p).tolist() for m in line for p in program]  # no sum leaves its width
    seen = run([SIZE] * 2, models, programs)
    joined = [part.join(np.array(sums(column)).reshape(len(part.parts), -1)) for column in seen]
    assert np.concatenate(joined).tolist() == matrix.sums(x).tolist()


def test_every_digit_times_extremes_in_every_plane():
    slots = np.zeros((SIZE.depth, 2, SIZE.columns), np.uint8)
    slots[:2, 0] = np.arange(16).reshape(2, 8)
    tile = RomTileModel(slots, SIZE.sum_bits)
    program = [
        Pass(row, np.array([[x, 1]], np.int8), plane=plane)
        for plane in Plane
        for x in (-128, -127, 127, 1)
        for row in (0, 1)
    ]
    got = sums(run([SIZE], [[tile]], [cycles_of(SIZE, program)])[0])
    expected = []
    for plane in Plane:
        for x in (-128, -127, 127, 1):
            for n in range(16):
                digit = n >> plane.low & ((1 << plane.width) - 1)
                if plane.signed and digit >= 1 << (plane.width - 1):
                    digit -= 1 << plane.width
                expected.append(digit * x * (4 if plane.low >= 2 else 1))
    assert got == expected


def test_there_are_no_other_planes():
    with pytest.raises(ValueError, match="no plane of signed digits of 1 bits"):
        Plane.of(1, True)


@pytest.mark.parametrize("rows", [1, 4])
def test_one_and_four_rows_a_cycle(rows):
    size = RomTileSize(banks=4, rows=rows, columns=4)
    tile = random_tile(size, rows)
    x = np.random.default_rng(7).integers(-128, 128, (11, rows)).astype(np.int8)
    program = [Pass(0, x, plane=plane) for plane in Plane]
    seen = run([size], [[tile]], [cycles_of(size, program)])
    assert sums(seen[0]) == [v for p in program for v in tile.sums(p).tolist()]
