"""The map of a die's ROMs: what a macro holds is shown in the row that it is read as."""

import numpy as np
import pytest
from PIL import Image

from flow.report.die_map import draw_memories, use
from flow.report.figures import CATEGORIES
from flow.stitching.contents import Block, Memory, memories, read_contents, write_contents
from metal_configs.compile.program.macros import die_macros
from rtl_gen.golden.shape import Shape
from rtl_gen.tiles.rom import RomTileSize
from tests.rtl_gen.test_network import random_model
from tests.rtl_gen.tiles.whole import Whole, image_of

ROM = RomTileSize(banks=8)
SHAPE = Shape(dim=20, layers=1, heads=2, kv_heads=1, head_dim=6, hidden=24, vocab=30, context=20)


@pytest.fixture(scope="module")
def image():
    return image_of(random_model(SHAPE, 3, 8), ROM, 2, 1, 64)


@pytest.fixture
def found(image, tmp_path):
    write_contents(tmp_path, [image])
    macros = die_macros(image, ROM, Whole.of(ROM, [image]).vec)
    return memories(macros, read_contents(tmp_path, 0), ROM)


def test_memories_are_told_from_the_north(found):
    assert [(m.name, m.unit) for m in found] == [
        ("rom_0_0", "rows"), ("rom_1_0", "rows"), ("vec_3_0.program", "rows"), ("vec_3_0.rom", "words"),
    ]  # fmt: skip


def test_rows_are_those_that_are_read(found, image):
    for row, memory in enumerate(found[:2]):
        slots = image.array.tile(row, 0).slots  # [rows, activations, columns]
        bits = slots[..., None] >> np.arange(4) & 1
        np.testing.assert_array_equal(memory.vias, bits.reshape(len(slots), -1).astype(bool))
    program, words = (np.packbits(m.vias, axis=1, bitorder="little") for m in found[2:])
    assert int.from_bytes(program[1].tobytes(), "little") == image.program[1].encode()
    np.testing.assert_array_equal(words.view("<u2").ravel()[: len(image.words)], image.words)


def test_every_via_is_in_a_block_of_its_matrix_table_or_program(found, image):
    assert found[0].used == image.array.used
    assert found[2].used == len(image.program)
    assert found[3].used == len(image.words)
    for memory in found:
        held = np.zeros(len(memory.vias), int)
        for b in memory.blocks:
            held[b.start : b.start + b.rows] += 1
        assert held.max() == 1
        assert not memory.vias[held == 0].any()
    kinds = {b.kind for b in found[3].blocks}
    assert kinds == {"factors", "tables"}
    factors = {b.name: b.rows for b in found[3].blocks if b.kind == "factors"}
    assert SHAPE.dim <= factors["layers.0.down"] < SHAPE.dim + 8  # others begin with a row of 8 words


SMALL = [
    Memory("rom_0_0", "rows", [Block("layers.0.q", "weights", 0, 3), Block("head", "weights", 3, 1)],
           np.eye(8, 4, dtype=bool)),
    Memory("rom_1_0", "rows", [Block("layers.0.q", "weights", 0, 3), Block("head", "weights", 3, 1)],
           np.eye(8, 4, dtype=bool)),
    Memory("vec_2_0.rom", "words", [Block("layers.0.q", "factors", 0, 2)], np.eye(4, 2, dtype=bool)),
]  # fmt: skip


def test_rows_of_tiles_are_those_of_one_and_bits_those_of_all():
    # 2 x 4 rows of 4 bits and 2 words of 2 bits are free, of 2 x 32 and 8 bits.
    assert use(SMALL) == {
        "factors": "2 words",
        "head": "1 rows",
        "q": "3 rows",
        "unused": "50.0 % of all bits",
    }


def test_a_row_is_a_column_of_its_category_and_bit_0_is_at_the_bottom(tmp_path):
    draw_memories(tmp_path / "rom.png", SMALL)
    shown = np.asarray(Image.open(tmp_path / "rom.png").convert("RGB"))
    assert shown.shape[1] == 1024
    side = 4  # pixels of a site where a strip has 256 rows
    strip = shown[28 : 28 + 4 * side]  # below its title
    dark = {name: [int(CATEGORIES[name][i : i + 2], 16) for i in (1, 3, 5)] for name in ("q", "head")}
    assert strip[-1, 0].tolist() == dark["q"]
    assert strip[0, 0].tolist() != dark["q"]
    assert strip[0, 3 * side].tolist() == dark["head"]
    assert (strip == dark["q"]).all(axis=2).sum() == 3 * side**2
