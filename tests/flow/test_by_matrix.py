"""Program vias on a layer per matrix: each via on that of its row, and all else as it was."""

import klayout.db as kdb
import numpy as np
import pytest

from flow.blocks import Block, read_blocks
from flow.by_matrix import write_by_matrix
from metal_configs.sitemap import SiteMap
from rtl_gen.errors import FlowError
from rtl_gen.golden.rom import RomGeometry

ROM = RomGeometry(2, 8, 8, 2)
SITES = SiteMap.of("b", ROM, [(0, 0), (20_000, 0)], 690 * np.arange(16), 430 * (np.arange(8) * 3 // 2))
BLOCKS = [Block("program", "program", 0, 4), Block("q", "weights", 4, 10), Block("q", "weights", 14, 18)]


@pytest.fixture
def chip(tmp_path):
    """A chip with random vias, and a via of a wire outside of the model; returns file and image."""
    image = np.random.default_rng(3).random((ROM.rows, ROM.bits)) < 0.5
    layout = kdb.Layout()
    top, base, metal = (layout.create_cell(n) for n in ("chip", "base", "m_metal"))
    for cell in (base, metal):
        top.insert(kdb.CellInstArray(cell.cell_index(), kdb.Trans()))
    via2 = layout.layer(*SITES.layer)
    base.shapes(via2).insert(kdb.Box(-900, -900, -700, -700))
    for bank, word, line in zip(*np.nonzero(ROM.to_banks(image)), strict=True):
        x, y = (int(v) for v in SITES.place(bank, word, line))
        metal.shapes(via2).insert(kdb.Box(x - 100, y - 100, x + 100, y + 100))
    layout.write(str(tmp_path / "chip.oas"))
    return tmp_path / "chip.oas", image


def test_each_via_is_on_the_layer_of_its_matrix(chip, tmp_path):
    path, image = chip
    layers = write_by_matrix(path, tmp_path / "out.oas", SITES, BLOCKS)
    assert [(b.name, b.vias) for b in layers] == [
        ("program (program)", image[:4].sum()),
        ("q (weights)", image[4:].sum()),
    ]
    out = kdb.Layout()
    out.read(str(tmp_path / "out.oas"))
    for block, rows in zip(layers, (range(4), range(4, 32)), strict=True):
        region = kdb.Region(out.top_cell().begin_shapes_rec(out.layer(*block.layer)))
        found = {(p.bbox().center().x, p.bbox().center().y) for p in region.each()}
        wanted = set()
        for row in rows:
            bits = np.flatnonzero(image[row])
            places = SITES.place(*SITES.of_row(np.full(len(bits), row), bits))
            wanted |= {(int(x), int(y)) for x, y in places}
        assert found == wanted
    left = kdb.Region(out.top_cell().begin_shapes_rec(out.layer(*SITES.layer)))
    assert left.count() == 1  # the wire's


def test_a_chip_of_another_image_is_refused(chip, tmp_path):
    with pytest.raises(FlowError, match="in a row of no matrix"):
        write_by_matrix(chip[0], tmp_path / "out.oas", SITES, BLOCKS[:2])


@pytest.mark.parametrize("text", ["", "[1]", '[{"name": "a", "kind": "b", "start": "x", "rows": 1}]'])
def test_a_damaged_list_of_blocks_is_one_message(tmp_path, text):
    (tmp_path / "blocks.json").write_text(text)
    with pytest.raises(FlowError, match="cannot be read"):
        read_blocks(tmp_path / "blocks.json")
