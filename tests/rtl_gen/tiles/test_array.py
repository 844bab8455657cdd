"""Matrices on arrays of tiles: any cut gives the golden model's sums; a token replayed through the RTL."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtl_gen.golden.array import ArrayModel
from rtl_gen.golden.factors import Factors
from rtl_gen.golden.matrix import Matrix
from rtl_gen.golden.network import Network
from rtl_gen.golden.shape import Shape
from rtl_gen.tiles.rom import RomTileSize
from tests.rtl_gen.test_network import random_model
from tests.rtl_gen.tiles.bench import cycles_of, run

SIZE = RomTileSize(banks=4, rows=2, columns=8)


def matrix(bits, outputs, inputs, seed):
    half = 1 << (bits - 1)
    codes = np.random.default_rng(seed).integers(-half, half, (outputs, inputs))
    return Matrix(bits, codes.astype(np.int8), Factors.of(np.ones(outputs)))


def array(grid, size=SIZE):
    return ArrayModel(grid, size.depth, size.columns, size.rows, size.sum_bits, size.row_step)


@settings(max_examples=40, deadline=None)
@given(
    st.tuples(st.integers(1, 4), st.integers(1, 3)),
    st.lists(st.tuples(st.integers(3, 8), st.integers(1, 60), st.integers(1, 90)), min_size=1, max_size=3),
    st.integers(0, 999),
)
def test_any_matrix_on_any_grid_has_the_sums_of_the_golden_model(grid, sizes, seed):
    on = array(grid, RomTileSize(banks=32, rows=2, columns=8))
    matrices = {str(n): matrix(*size, seed + n) for n, size in enumerate(sizes)}
    for name, m in matrices.items():
        on.add(name, m)
    rng = np.random.default_rng(seed)
    for name, m in matrices.items():
        x = rng.integers(-128, 128, m.codes.shape[1])
        lines = on.passes(name, x)
        sums = [
            sum(np.array([on.tile(r, c).sums(p) for p in lines[r]]) for r in range(grid[0]))
            for c in range(grid[1])
        ]
        assert on.join(name, np.array(sums)).tolist() == m.sums(x).tolist()


def test_a_token_replayed_through_the_rtl_of_every_tile():
    """Whatever the golden decoder multiplies in a token leaves the array as the sums that it has."""
    shape = Shape(dim=12, layers=1, heads=3, kv_heads=1, head_dim=4, hidden=20, vocab=18, context=4)
    seen = {}
    model = random_model(shape, 5, 4)
    network = Network(model, seen.__setitem__)
    network.feed([3, 1])
    network.logits(network.feed(7))
    grid = (2, 2)
    on = array(grid)
    layer = model.layers[0]
    parts = {f"layers.0.{k}": getattr(layer, k) for k in ("q", "k", "v", "o", "gate", "up", "down")}
    parts |= {"final": model.final, "head": model.head}
    for name, m in parts.items():
        on.add(name, m)
    lines = [[on.passes(name, seen[f"{name}.in"][0]) for name in parts]]
    rows = [[p for each in lines[0] for p in each[r]] for r in range(grid[0])]
    models = [[on.tile(r, c) for c in range(grid[1])] for r in range(grid[0])]
    seams = run([SIZE] * grid[0], models, [cycles_of(SIZE, program) for program in rows])
    left = np.array([[value for _, value in seam] for seam in seams]).reshape(grid[1], -1, SIZE.columns)
    at = 0
    for name, each in zip(parts, lines[0], strict=True):
        sums = left[:, at : at + len(each[0])]
        at += len(each[0])
        assert on.join(name, sums).tolist() == seen[f"{name}.sum"][0].tolist(), name
    assert at == left.shape[1]


def test_what_does_not_fit_is_refused_and_leaves_nothing():
    on = array((1, 1))
    on.add("small", matrix(4, 8, 100, 1))
    before = on.slots.copy()
    with pytest.raises(ValueError, match="large ends at row 1050 of every tile, a tile has 512"):
        on.add("large", matrix(4, 8, 2000, 2))
    assert (on.slots == before).all()
    assert on.used == 50
