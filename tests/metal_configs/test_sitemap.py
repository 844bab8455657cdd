import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metal_configs.sitemap import SiteMap
from rtl_gen.golden.rom import RomGeometry

GEOMETRIES = st.builds(RomGeometry, *(st.integers(1, n) for n in (3, 6, 5, 4)))


def some_map(rom: RomGeometry) -> SiteMap:
    y = 430 * (np.arange(rom.word_lines) * 3 // 2)
    x = 690 * np.arange(rom.bit_lines)[::-1]
    origins = np.array([(10_000 * b, 5 * b) for b in range(rom.banks)])
    turns = np.array([(1, 1), (-1, 1), (1, -1), (-1, -1)])
    signs = turns[np.arange(rom.banks) % 4]
    # Cells that are mirrored cover what they would if they were not.
    return SiteMap("b", rom, origins + np.where(signs < 0, (x.max(), y.max()), 0), x, y, signs=signs)


@given(GEOMETRIES)
def test_place_and_locate_are_inverse(rom):
    sites = some_map(rom)
    everything = np.indices((rom.banks, rom.word_lines, rom.bit_lines)).reshape(3, -1)
    np.testing.assert_array_equal(sites.locate(sites.place(*everything)), everything)
    assert len(np.unique(sites.centres(), axis=0)) == sites.sites


@given(GEOMETRIES, st.integers(-3, 3), st.integers(-3, 3))
def test_no_site_beside_a_site(rom, dx, dy):
    sites = some_map(rom)
    found = sites.locate(sites.centres() + np.array([dx, dy]))
    assert all((np.array(f) == -1).all() for f in found) or (dx, dy) == (0, 0)


@given(GEOMETRIES)
def test_sites_of_rows_agree_with_the_geometry(rom):
    sites = some_map(rom)
    row, bit = np.indices((rom.rows, rom.bits))
    image = np.random.default_rng(0).random((rom.rows, rom.bits)) < 0.5
    banks = rom.to_banks(image)
    np.testing.assert_array_equal(banks[sites.of_row(row, bit)], image)


def test_numbers_as_well_as_arrays():
    sites = some_map(RomGeometry(2, 4, 3, 2))
    assert sites.place(0, 2, 0).tolist() == [690 * 5, 430 * 3]
    assert sites.place(1, 2, 0).tolist() == [10_000, 5 + 430 * 3], "mirrored in x"
    assert [int(a) for a in sites.of_row(9, 2)] == [1, 0, 5]


def test_shapes_are_checked():
    rom = RomGeometry(1, 2, 2, 1)
    with pytest.raises(ValueError, match=r"x of the site map is \(3,\), expected \(2,\)"):
        SiteMap.of("b", rom, [(0, 0)], np.arange(3) * 690, np.arange(2) * 430)
    with pytest.raises(ValueError, match="overlap"):
        SiteMap.of("b", rom, [(0, 0)], np.array([0, 150]), np.arange(2) * 430)
