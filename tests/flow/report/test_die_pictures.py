"""Pictures of a die: what a tile that is not routed cannot show is told, and not drawn."""

from types import SimpleNamespace

import klayout.db as kdb
import numpy as np
import pytest
from PIL import Image

from base_chip.pdk.margin import load_margin
from base_chip.stitch import plan_rows
from base_chip.stitch.layout import stitch_layout
from base_chip.stitch.roms import RomPlace
from flow.report.die_pictures import DieParts, draw_backdrops, draw_die_pictures
from metal_configs.sitemap import SiteMap
from rtl_gen.golden.rom import RomGeometry
from signoff.picture import PROGRAM
from tests.stitching import HEIGHT, PDK, view, write_tiles

EDGE = 120_000
ROM = RomGeometry(3, 8, 16, 1)
AT = [
    (EDGE + 5000, EDGE + 5000),
    (EDGE + 5000, EDGE + 2 * HEIGHT + 5000),
    (EDGE + 30_000, EDGE + 2 * HEIGHT + 5000),
]
NAMES = ("vec_2_0.rom_0.macro", "rom_0_0.bank0.macro", "rom_0_0.bank1.macro")
SIZE = 12_000, 6000  # nm of a macro


@pytest.fixture(scope="module")
def die(tmp_path_factory):
    """A column of three tiles with three ROM macros, and the vias of a model; and its parts."""
    folder = tmp_path_factory.mktemp("die")
    tiles = [view("rom"), view("ram"), view("vec", feeds=2)]
    plan = plan_rows("small", "sky130", [[tile] for tile in tiles], EDGE)
    layout, _ = stitch_layout(plan, write_tiles(tiles, folder), PDK, load_margin(PDK))
    sites = SiteMap("small", ROM, np.array(AT), 690 * np.arange(16), 600 * np.arange(8))
    bits = np.zeros((3, 8, 16), bool)
    bits[0], bits[1, :2], bits[2, 2:5] = True, True, True
    top, base = layout.create_cell("chip"), layout.cell(plan.top)
    model = layout.create_cell("small_metal")
    for cell in (base, model):
        top.insert(kdb.CellInstArray(cell.cell_index(), kdb.Trans()))
    for index in np.argwhere(bits):
        x, y = (int(v) for v in sites.place(*index))
        model.shapes(layout.layer(*sites.layer)).insert(kdb.Box(x - 100, y - 100, x + 100, y + 100))
    layout.write(str(folder / "chip.oas"))
    boxes = [(x, y, x + SIZE[0], y + SIZE[1]) for x, y in AT]
    roms = [RomPlace(name, box, at, (1, 1)) for name, box, at in zip(NAMES, boxes, AT, strict=True)]
    macro = {"bank0.macro": kdb.Box(5000, 5000, 5000 + SIZE[0], 5000 + SIZE[1])}
    block = SimpleNamespace(macro_boxes=lambda: macro)
    blocks = dict.fromkeys(("rom", "ram", "vec"), block)
    return folder / "chip.oas", lambda *routed: DieParts(plan, routed, blocks, roms, sites, bits)


def drawn(die, folder, *routed):
    chip, parts = die
    pictures, lacking = draw_die_pictures(chip, folder, PDK, parts(*routed), folder / "backdrops")
    assert [p.name for p in pictures] == [name for name in ("chip", "tile", "seam", "bank", "cell") if
                                          (folder / f"{name}.png").exists()]  # fmt: skip
    return {p.name: p for p in pictures}, lacking


@pytest.fixture(scope="module")
def whole(die, tmp_path_factory):
    """Pictures by name, and what they lack, of a die whose tiles are all routed; and their folder."""
    folder = tmp_path_factory.mktemp("whole")
    return *drawn(die, folder, "rom", "ram", "vec"), folder


def test_of_routed_tiles_everything_is_shown(whole):
    pictures, lacking, _ = whole
    assert lacking == []
    assert set(pictures) == {"chip", "tile", "seam", "bank", "cell"}
    assert pictures["tile"].text.startswith("Tile rom_0_0, 54.28 x 81.6 um")
    assert "rom_0_0 and ram_1_0" in pictures["seam"].text
    seam = (EDGE + 2 * HEIGHT) / 1000
    left, bottom, right, top = pictures["seam"].window
    assert (bottom + top) / 2 == pytest.approx(seam)
    assert left < 120 + 20.815 < right  # where its pins meet


def test_a_column_of_tiles_lies_on_its_side(whole):
    pictures, _, folder = whole
    left, bottom, right, top = pictures["chip"].window
    assert top - bottom > right - left
    width, height = Image.open(folder / "chip.png").size
    assert width > height


def test_the_macro_of_a_rom_tile_with_most_vias_is_shown(whole):
    pictures, _, folder = whole
    assert "rom_0_0.bank1 with its 48 programmed vias: word lines 2 to 4 of 8" in pictures["bank"].text
    left, bottom, right, top = pictures["cell"].window
    x, y = AT[2][0] / 1000 + 0.69 * 8, AT[2][1] / 1000 + 0.6 * 3
    assert ((left + right) / 2, (bottom + top) / 2) == pytest.approx((x, y))
    shown = np.asarray(Image.open(folder / "cell.png").convert("RGB"))
    assert shown[300, 480].tolist() == [PROGRAM >> 16, PROGRAM >> 8 & 255, PROGRAM & 255]


@pytest.mark.parametrize(
    ("routed", "names", "says"),
    [
        ((), {"chip", "bank", "cell"}, ["yet: rom, ram, vec.", "no two tiles", "none is placed"]),
        (("ram",), {"chip", "tile", "bank", "cell"}, ["yet: rom, vec.", "no two tiles"]),
        (("ram", "vec"), {"chip", "tile", "seam", "bank", "cell"}, ["yet: rom."]),
    ],
)
def test_what_is_not_routed_is_told(die, tmp_path, routed, names, says):
    pictures, lacking = drawn(die, tmp_path, *routed)
    assert set(pictures) == names
    assert len(lacking) == len(says)
    assert all(any(part in line for line in lacking) for part in says)
    if "tile" in names:
        assert ("rom" in routed) == pictures["tile"].text.startswith("Tile rom")
    if "seam" in names:
        assert "ram_1_0 and vec_2_0" in pictures["seam"].text


def test_over_a_backdrop_of_the_base_a_picture_is_the_same(die, whole, tmp_path):
    chip, parts = die
    base = kdb.Layout()
    base.read(str(chip))
    base.delete_cell(base.cell("small_metal").cell_index())
    base.write(str(tmp_path / "base.gds"))
    backdrops, again = tmp_path / "backdrops", tmp_path / "again"
    backdrops.mkdir()
    again.mkdir()
    of_all = parts("rom", "ram", "vec")
    draw_backdrops(tmp_path / "base.gds", backdrops, PDK, of_all)
    assert {path.stem for path in backdrops.iterdir()} == {"chip", "tile"}
    draw_die_pictures(chip, again, PDK, of_all, backdrops)
    assert all((again / p.name).read_bytes() == p.read_bytes() for p in whole[2].glob("*.png"))
    np.save(backdrops / "chip.npy", np.zeros_like(np.load(backdrops / "chip.npy")))
    draw_die_pictures(chip, again, PDK, of_all, backdrops)
    assert (again / "chip.png").read_bytes() != (whole[2] / "chip.png").read_bytes()
