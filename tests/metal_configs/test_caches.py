"""Where keys and values lie: nothing lies on something else, and what has no room is told."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from metal_configs.compile.program.caches import Caches, Room
from rtl_gen.errors import FlowError
from rtl_gen.golden.vec_isa import BLOCK, LINE

EVEN = st.integers(1, 64).map(lambda n: 2 * n)


def taken(caches, positions):
    """Each byte of each tile that is used, as often as it is."""
    for pieces in caches.keys.values():
        for piece in pieces:
            below = piece.count + (piece is pieces[-1])
            for chunk in range(-(-positions // BLOCK)):
                row = piece.row + chunk * caches.stride
                yield from ((piece.tile, r, c) for r in range(row, row + below) for c in range(BLOCK))
    for blocks in caches.values.values():
        for block in blocks:
            for n, (tile, row) in enumerate(block.parts):
                count = min(caches.span, positions - n * caches.span)
                columns = range(block.column, block.column + block.count)
                yield from ((tile, r, c) for r in range(row, row + count) for c in columns)


@settings(max_examples=60, deadline=None)
@given(
    EVEN, st.integers(1, 200), st.sampled_from([20, 41, 64, 128]), st.integers(1, 2), st.integers(1, 3),
    st.integers(0, 4),
)  # fmt: skip
def test_each_byte_is_used_once(head_dim, positions, words, layers, heads, used):
    assume(-(-positions // BLOCK) * 3 <= words)
    room = Room(1000, words, [used])
    caches = Caches.of(range(layers), heads, head_dim, positions, room)
    found = list(taken(caches, positions))
    assert len(set(found)) == len(found)
    assert all(t < len(room.used) and r < room.used[t] <= words for t, r, _ in found)
    assert all(r >= used for t, r, _ in found if t == 0)
    for pieces in caches.keys.values():
        assert [e for p in pieces for e in range(p.first, p.first + p.count)] == list(range(head_dim))
        assert all(p.first % 2 == 0 for p in pieces)  # bytes of A are read from even ones on
    for blocks in caches.values.values():
        assert [e for b in blocks for e in range(b.first, b.first + b.count)] == list(range(head_dim))
        assert {len(b.parts) for b in blocks} == {-(-positions // caches.span)}
    assert caches.span == positions or (caches.span % LINE == 0 and positions > words)


def test_keys_are_cut_only_if_they_must():
    assert Caches.of(range(1), 1, 64, 32, Room(2, 128)).stride == 65
    assert len(Caches.of(range(1), 1, 64, 64, Room(5, 128)).keys[0, 0]) == 2
    # Of 65 rows one lies in a tile, of 33 three.
    assert len(Caches.of(range(4), 1, 64, 32, Room(5, 128)).keys[0, 0]) == 2
    assert len(Caches.of(range(4), 1, 64, 32, Room(6, 128)).keys[0, 0]) == 1


@pytest.mark.parametrize(
    ("head_dim", "positions", "room", "says"),
    [
        (8, 64, Room(1, 128), "keys and values of 64 positions need 2 ram tiles of 128 rows; there are 1"),
        (64, 1376, Room(90, 128),
         "keys of one head of 64 and 1376 positions, in 32 pieces, need 129 rows of 32 bytes for each, a ram"
         " tile has 128"),
    ],
)  # fmt: skip
def test_what_has_no_room_is_told(head_dim, positions, room, says):
    heads = 4 if head_dim == 8 else 1
    with pytest.raises(FlowError) as e:
        Caches.of(range(1), heads, head_dim, positions, room)
    assert says in e.value.what
    fitting = 32 if head_dim == 8 else 1344
    Caches.of(range(1), heads, head_dim, fitting, room)
