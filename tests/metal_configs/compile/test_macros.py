"""Contents of the ROM macros of a die: taken apart again they are the image; what does not fit is named."""

from dataclasses import replace

import numpy as np
import pytest

from metal_configs.compile.program.macros import die_macros
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.shape import Shape
from rtl_gen.tiles.rom import RomTileSize
from signoff.readback.weights import TilePlan, tile_words
from tests.rtl_gen.test_network import random_model
from tests.rtl_gen.tiles.whole import Whole, image_of

ROM = RomTileSize(banks=8)
SHAPE = Shape(dim=20, layers=1, heads=2, kv_heads=1, head_dim=6, hidden=24, vocab=30, context=20)


@pytest.fixture(scope="module")
def image():
    return image_of(random_model(SHAPE, 3, 8), ROM, 2, 1, 64)


@pytest.fixture(scope="module")
def vec(image):
    return Whole.of(ROM, [image]).vec


def packed(bits):
    return np.packbits(bits, axis=1, bitorder="little")


def test_macros_of_rom_tiles_hold_the_rows_of_their_matrices(image, vec):
    held = die_macros(image, ROM, vec)
    for row in range(2):
        macros = np.stack([packed(held[f"rom_{row}_0.bank{n}.macro"]) for n in range(ROM.banks)])
        plan = TilePlan(
            1, 1, ROM.banks, ROM.banks, range(ROM.banks), ROM.columns, ROM.rows, ROM.row_step, 1, 1
        )
        words = tile_words(macros[None, :, :, None], plan)[0, :, :, 0]  # [activations, rows, bytes]
        slots = image.array.tile(row, 0).slots.transpose(1, 0, 2)
        np.testing.assert_array_equal(words & 15, slots[..., 0::2])
        np.testing.assert_array_equal(words >> 4, slots[..., 1::2])
        assert words.any()


def test_macros_of_the_vec_tile_hold_program_factors_and_tables(image, vec):
    held = die_macros(image, ROM, vec)
    assert len(held) == 2 * ROM.banks + vec.program_banks + vec.rom_banks
    rows = np.concatenate([packed(held[f"vec_3_0.program_{n}.macro"]) for n in range(vec.program_banks)])
    program = [int.from_bytes(row.tobytes(), "little") for row in rows]
    assert program[: len(image.program)] == [row.encode() for row in image.program]
    assert not any(program[len(image.program) :])
    words = np.concatenate([packed(held[f"vec_3_0.rom_{n}.macro"]) for n in range(vec.rom_banks)])
    words = words.reshape(-1).view("<u2")
    np.testing.assert_array_equal(words[: len(image.words)], image.words)
    assert not words[len(image.words) :].any()


@pytest.mark.parametrize(
    ("size", "says"),
    [
        ({"program_banks": 0}, "rows of program, the vec tile has 0"),
        ({"rom_banks": 0}, "words of factors and tables, the vec tile has 0"),
        ({"memory": 8}, "words of M, the vec tile has 8"),
        ({"rom_bytes": 2}, "activations of rom tiles, the vec tile has 2"),
        ({"ram_bytes": 2}, "activations of ram tiles, the vec tile has 2"),
    ],
)
def test_what_a_vec_tile_has_no_room_for_is_named(image, vec, size, says):
    with pytest.raises(FlowError, match=says) as e:
        die_macros(image, ROM, replace(vec, **size))
    assert e.value.code == ExitCode.USAGE
