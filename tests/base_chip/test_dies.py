"""Floorplans of tiles: tiles inside the die, every macro with one number, wrong fields named."""

import numpy as np
import pytest
import yaml

from base_chip.arrays.plan import RomPlan
from base_chip.dies import known_dies, load_die, parse_die
from base_chip.dies.floorplan import MACRO, TILE
from flow.chain.die import lines_of, site_map
from flow.stitching.roms import die_roms
from rtl_gen.errors import ExitCode, FlowError
from tests.edits import edited
from tests.tiny_die import YAML

# In one column the vec tile's file says where its macros are.
GRIDS = [name for name in known_dies() if not load_die(name).one_column]


def changed(**values) -> str:
    return edited(yaml.safe_load(YAML), **values)


def macros(base) -> np.ndarray:
    """Row, column and macro of every ROM macro of a die."""
    rom = np.indices((base.rom.rows, base.rom.columns, TILE.banks)).reshape(3, -1)
    vec = np.indices((base.vecs, base.vec.macros)).reshape(2, -1)
    return np.concatenate([rom, np.concatenate([np.full((1, vec.shape[1]), -1), vec])], axis=1)


@pytest.mark.parametrize("name", GRIDS)
def test_macros_lie_in_their_tiles_and_tiles_on_the_die(name):
    base, plan = load_die(name), RomPlan(MACRO.array)
    size = np.array([plan.width, plan.height])
    at = macros(base)
    numbers = base.bank(*at)
    low = base.origins()[numbers] - size * (base.signs()[numbers] < 0)
    assert len(np.unique(low, axis=0)) == at.shape[1] == len(base.present)
    boxes = np.array([base.tile_box(int(r), int(c)) for r, c, _ in at.T])
    assert (low >= boxes[:, :2]).all()
    assert (low + size <= boxes[:, 2:]).all()
    edge, die = base.edge * 1000, np.array(base.die) * 1000
    assert (boxes[:, :2] >= edge).all()
    assert (boxes[:, 2:] <= die - edge).all()
    x, y = base.macro_x - plan.width * (base.x_signs < 0), base.macro_y - plan.height * (base.y_signs < 0)
    assert (np.diff(x) >= plan.width).all()
    assert (np.diff(y) >= plan.height).all()


@pytest.mark.parametrize("name", GRIDS)
def test_every_macro_has_a_number_that_leads_back(name):
    base = load_die(name)
    at = macros(base)
    numbers = base.bank(*at)
    assert np.sort(numbers).tolist() == base.present.tolist()
    for n, place in list(zip(numbers.tolist(), at.T.tolist(), strict=True))[::17]:
        assert base.tile_of(n) == tuple(place)
    absent = np.setdiff1d(np.arange(base.rom_geometry.banks), base.present)
    assert all(base.tile_of(int(n)) is None for n in absent[:40])


@pytest.mark.parametrize("name", ["nano", "story"])
def test_macros_of_rom_tiles_stand_where_they_do_in_the_tiles_that_ship(name):
    """Those of the tile's floorplan, by which it is hardened and stitched."""
    base = load_die(name)
    planned = {
        tuple(a) for n in base.present[base.present >= len(base.macro_x)]
        for a in [(*base.origins()[n].tolist(), *base.signs()[n].tolist())]
    }  # fmt: skip
    there = {(*r.origin, *r.signs) for r in die_roms(base) if r.name.startswith("rom_")}
    assert planned == there


@pytest.mark.parametrize("name", known_dies())
def test_vias_of_banks_that_are_written_together_share_one_grid(name):
    """Else each spacing in a metal config would be counted in nm and take more than a byte."""
    base = load_die(name)
    sites = site_map(base)
    for banks in lines_of(base):
        x = np.concatenate([sites.lines(n)[1] for n in banks])
        assert np.gcd.reduce(np.diff(x)) == 690
        assert len({tuple(sites.lines(n)[2].tolist()) for n in banks}) == 1
    assert sorted(n for banks in lines_of(base) for n in banks) == list(range(base.rom_geometry.banks))


def test_contents_of_tiles_come_to_their_banks():
    base = load_die("slot")
    rng = np.random.default_rng(1)
    rom = rng.integers(0, 256, (base.rom.rows, 32, 256, base.rom.columns, 16)).astype(np.uint8)
    vec = rng.integers(0, 256, (base.vecs, base.vec.macros, 256, 16)).astype(np.uint8)
    banks = base.lay(rom, vec).reshape(-1, 256, 16)
    for row, column, macro in macros(base).T.tolist():
        want = vec[column, macro] if row < 0 else rom[row, macro, :, column]
        assert (banks[base.bank(row, column, macro)] == want).all()
    assert not banks[np.setdiff1d(np.arange(len(banks)), base.present)].any()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": None}, "name is None, expected a value"),
        ({"colour": "red"}, "field colour is 'red', expected no such field"),
        ({"rom__rows": 0}, "rom.rows is 0, expected a whole number of at least 1"),
        ({"rom__rows": True}, "rom.rows is True"),
        ({"rom": 7}, "rom is 7, expected a mapping"),
        ({"ram__words": 100}, "ram.words is 100, expected one of 64, 128, 256"),
        ({"vec__macros": 10}, "vec.macros is 10, expected 8, as tile vec has"),
        ({"vec__tile": "rom"}, "vec.tile is 'rom', expected the name of a vec tile"),
        ({"rom__columns": 2, "vec__macros": 33}, "vec.macros is 33, expected at most 16"),
        ({"die": [1, 2, 3]}, "die is [1, 2, 3], expected a list of 2, each a number"),
        ({"ram__words": 64}, "ram.words is 64, expected 128, as the ram tile has"),
        ({"die": [100, 2700]}, "die width is 100.0, expected at least 987.04 um for the tiles"),
        ({"rom__rows": 2}, "die height is 2700.0, expected at least"),
        ({"edge": 0.001}, "edge is 0.001, expected a number of at least 0, a multiple of 0.005 (um)"),
        ({"program_layers": []}, "program_layers is []"),
        ({"program_layers": [["a", 1]]}, "program_layers[0][0] is 'a', expected a whole number"),
    ],
)
def test_a_wrong_field_is_named(change, says):
    with pytest.raises(FlowError) as e:
        parse_die(changed(**change), where="x.yaml")
    assert says in str(e.value)
    assert "x.yaml" in str(e.value)


def test_what_is_not_yaml_or_not_known():
    with pytest.raises(FlowError, match="not YAML"):
        parse_die("a: [", where="x.yaml")
    with pytest.raises(FlowError, match="the file is 'x', expected a mapping"):
        parse_die("x", where="x.yaml")
    with pytest.raises(
        FlowError, match=r"unknown base 'giga' .* known: nano, reticle, slot, story, tower"
    ) as e:
        load_die("giga")
    assert e.value.code == ExitCode.USAGE


def test_the_digest_changes_with_every_field():
    base = parse_die(YAML, where="x")
    assert base.digest() == parse_die(YAML + "\n", where="y").digest()
    assert base.digest() != parse_die(changed(context=9), where="x").digest()
