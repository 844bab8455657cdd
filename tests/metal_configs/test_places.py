"""Every bit of a compiled model lies where its placement says, and nothing else does."""

import dataclasses

import numpy as np
import pytest

from metal_configs.compile.placement import FACTOR, VEC
from metal_configs.compile.program.fit import Column, fit_dies
from metal_configs.compile.program.part import cut
from metal_configs.compile.program.places import column_placement
from rtl_gen.tiles.ram import RamTileSize
from rtl_gen.tiles.rom import RomTileSize
from rtl_gen.tiles.vec import VecTileSize
from tests.metal_configs.test_program import WORDS
from tests.rtl_gen.test_network import random_model


def bit_of(macros, row, column, macro, word_line, bit_line, bottom):
    name = f"{bottom}.rom_{macro}.macro" if row == VEC else f"rom_{row}_{column}.bank{macro}.macro"
    return bool(macros[name][word_line, bit_line])


@pytest.mark.parametrize(("rows", "dies", "tied"), [(1, 1, True), (2, 1, False), (1, 2, True), (2, 2, True)])
def test_every_bit_is_where_the_placement_says(rows, dies, tied):
    """Of weights in random codes of 3 to 6 bits and of factors; there and back."""
    shape = dataclasses.replace(WORDS, hidden=78, tied=tied)
    model = random_model(shape, 11)
    rom = RomTileSize(banks=32, rows=2, columns=32)
    die = Column(rom, rows, RamTileSize(128), 2, VecTileSize(2, 8, 2, 1024, 128, 256, 5, 3))
    found = fit_dies(model, die, dies=dies)
    placed = column_placement(model, die, [image for image, _ in found])
    rng = np.random.default_rng(2)
    bottom = f"vec_{rows + 2}_0"
    held = [part.matrices() for part in cut(model, dies)]
    for number, m in enumerate(placed.matrices):
        for _ in range(12):
            output, source = int(rng.integers(m.outputs)), int(rng.integers(-1, m.inputs))
            bits = np.arange(16 if source == FACTOR else m.bits)
            site = placed.site(number, np.array(output), np.array(source), bits)
            (n,) = set(site.die.tolist())
            got = [bit_of(found[n][1], *(int(a[b]) for a in site[1:]), bottom) for b in bits]
            matrix = held[n][m.name]
            factors = matrix.factors
            word = (
                int(factors.mantissa[output]) & 0xFFF | int(factors.exponent[output]) << 12
                if source == FACTOR
                else int(matrix.codes[output, source])
            )
            assert got == [bool(word >> b & 1) for b in bits.tolist()], (m.name, output, source)
            back = placed.weight(n, *site[1:])
            assert (back.matrix == number).all()
            assert (back.output == output).all()
            assert (back.column == source).all()
            assert (back.bit == bits).all()


def test_every_via_of_the_rom_tiles_is_a_weights():
    model = random_model(WORDS, 5)
    die = Column(
        RomTileSize(banks=32, rows=2, columns=32), 1, RamTileSize(128), 2,
        VecTileSize(2, 8, 2, 1024, 128, 256, 5, 3),
    )  # fmt: skip
    found = fit_dies(model, die)
    placed = column_placement(model, die, [image for image, _ in found])
    for macro in range(32):
        wl, bl = np.nonzero(found[0][1][f"rom_0_0.bank{macro}.macro"])
        zero = np.zeros_like(wl)
        assert (placed.weight(0, zero, zero, zero + macro, wl, bl).matrix >= 0).all()
