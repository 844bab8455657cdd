"""ROM macros of a die: where the floorplans of its tiles have them, turned as there."""

import klayout.db as kdb
import numpy as np
import pytest

from base_chip.dies import load_die
from base_chip.stitch import place_tiles
from base_chip.stitch.roms import rom_places
from flow.stitching.column import die_column
from flow.stitching.roms import die_blocks, die_sites
from flow.stitching.tiles import planned, views
from rtl_gen.errors import FlowError

TRIO = load_die("nano")


@pytest.fixture(scope="module")
def blocks():
    return die_blocks(TRIO)


def stand_ins(block):
    """Layouts of the memories of a tile, outlines alone."""
    for macro in block.memories:
        layout = kdb.Layout()
        layout.create_cell(macro.name).shapes(layout.layer(235, 4)).insert(kdb.Box(0, 0, *macro.size))
        yield layout


def test_places_are_those_of_the_instances_in_the_tiles_layouts(blocks, tmp_path):
    plan = place_tiles(TRIO, views(TRIO.tiles))
    found = {rom.name: rom for rom in rom_places(plan, blocks)}
    tiles = {kind: planned(b, list(stand_ins(b)), tmp_path / kind) for kind, b in blocks.items()}
    seen = 0
    for tile in plan.tiles:
        layout = tiles[tile.view.kind]
        for inst in layout.cell(tile.view.cell).each_inst():
            if not inst.cell.name.startswith("scf_rom"):
                continue
            box = inst.bbox().moved(*tile.at)
            (rom,) = [r for r in found.values() if r.box == (box.left, box.bottom, box.right, box.top)]
            at = inst.trans.disp
            assert rom.origin == (at.x + tile.at[0], at.y + tile.at[1])
            right, up = inst.trans * kdb.Vector(1, 0), inst.trans * kdb.Vector(0, 1)
            assert rom.signs == (right.x, up.y)
            assert box.inside(tile.box)
            seen += 1
    column = die_column(TRIO)
    rom, vec = column.rom, column.vec
    assert seen == len(found) == rom.banks * TRIO.rom.rows + vec.program_banks + vec.rom_banks


def test_they_are_in_the_order_of_read_back_and_no_sites_meet(blocks):
    sites = die_sites("nano")
    roms = rom_places(place_tiles(TRIO, views(TRIO.tiles)), blocks)
    lows = [(rom.box[1], rom.box[0]) for rom in roms]
    assert lows == sorted(lows)
    assert len(np.unique(sites.centres(), axis=0)) == sites.sites
    for n, rom in enumerate(roms):
        x, y = np.moveaxis(sites.place(np.array(n), *np.indices((256, 128))), -1, 0)
        assert rom.box[0] < x.min() < x.max() < rom.box[2]
        assert rom.box[1] < y.min() < y.max() < rom.box[3]


def test_a_die_with_more_rows_than_its_vec_tile_feeds_is_refused():
    from dataclasses import replace

    with pytest.raises(FlowError, match="the vec tile sends steps to one column of at most 2 and 8"):
        die_column(replace(TRIO, rom=replace(TRIO.rom, rows=3)))
