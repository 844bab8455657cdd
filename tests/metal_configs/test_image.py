"""From integers to ROM rows."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metal_configs.image import build_image
from metal_configs.image.rows import RowAllocator, bytes_to_rows, weights_to_rows
from rtl_gen.errors import FlowError
from rtl_gen.golden.isa import Op
from rtl_gen.golden.rom import RomGeometry
from tests.rtl_gen.models import SMALL, core_for, random_model


def signed(nibbles):
    return np.where(nibbles > 7, nibbles.astype(int) - 16, nibbles.astype(int))


def unpack(rows):
    return signed((rows[:, None] >> (np.arange(16, dtype=np.uint64) * np.uint64(4))) & np.uint64(15))


@given(st.integers(1, 40), st.integers(1, 9), st.booleans(), st.randoms(use_true_random=False))
def test_every_weight_is_found_in_its_slot(outputs, inputs, pair, random):
    half = 32 if pair else 8
    codes = np.array([[random.randrange(-half, half) for _ in range(inputs)] for _ in range(outputs)])
    passes = weights_to_rows(codes, 16, pair)
    slots = np.concatenate([unpack(p).T for p in passes])
    found = 8 * slots[0::2] + slots[1::2] if pair else slots
    assert (found[:outputs] == codes).all()
    assert (found[outputs:] == 0).all()


def test_bytes_lie_from_the_low_bits_up():
    assert bytes_to_rows(np.arange(8).astype(np.int8)).tolist() == [0x0706050403020100]
    assert int(bytes_to_rows(np.array([-1] + [0] * 7))[0]) == 0xFF


def test_equal_tables_are_kept_once_and_equal_weights_twice():
    rows = RowAllocator(0)
    table = np.arange(4, dtype=np.uint64)
    assert rows.place("a", "tables", table) == rows.place("b", "tables", table)
    assert rows.place("c", "weights", table) != rows.place("d", "weights", table)


def test_blocks_do_not_overlap_and_the_image_holds_them():
    image = build_image(random_model(SMALL, 1), core_for(SMALL))
    at = 0
    for b in sorted(image.blocks, key=lambda b: b.start):
        assert b.start >= at
        at = b.start + len(b.rows)
        assert (image.rows[b.start : at] == b.rows).all()
    assert image.used == at
    assert not image.rows[at:].any()
    packed = np.packbits(image.bits(), axis=1, bitorder="little").view("<u8")[:, 0]
    assert (packed == image.rows).all()


def test_the_same_model_gives_the_same_rows():
    a, b = (build_image(random_model(SMALL, 4), core_for(SMALL)) for _ in range(2))
    assert (a.rows == b.rows).all()


def test_a_weight_changes_one_bit_pattern_in_one_row():
    model = random_model(SMALL, 2)
    layer = model.layers[0]
    codes = layer.q.codes.copy()
    codes[3, 5] ^= 1
    changed = replace(model, layers=(replace(layer, q=replace(layer.q, codes=codes)), *model.layers[1:]))
    a, b = (build_image(m, core_for(SMALL)).bits() for m in (model, changed))
    assert int((a != b).sum()) == 1


def test_a_model_that_does_not_fit_says_which_dimension_and_by_how_much():
    core = replace(core_for(SMALL), vocab=8, cache=16)
    with pytest.raises(FlowError) as e:
        build_image(random_model(SMALL, 1), core)
    assert "vocab: 12 tokens, 8 fit, 4 too many" in str(e.value)
    assert "KV cache" in str(e.value)


def test_a_rom_that_is_too_small_says_how_many_rows_are_missing():
    core = replace(core_for(SMALL), rom=RomGeometry(banks=1, word_lines=64, bits=64, mux=4))
    with pytest.raises(FlowError, match=r"needs \d+ ROM rows of 64 bits, base test has 256: \d+ too many"):
        build_image(random_model(SMALL, 1), core)


def test_the_program_ends_where_it_began():
    image = build_image(random_model(SMALL, 1), core_for(SMALL))
    last = int(image.rows[image.instructions - 1])
    assert last & 31 == Op.BRANCH
    assert last >> 5 & 0xFFFF == 0
