from xml.etree import ElementTree

import klayout.db as kdb
import numpy as np
import pytest
from PIL import Image

from rtl_gen.errors import ExitCode, FlowError
from signoff.picture import PROGRAM, draw_png, write_layer_properties

LAYERS = {"prBoundary": (235, 4), "met2": (69, 20), "via2": (69, 44), "met3": (70, 20), "odd": (1, 0)}


def colours(png, size):
    image = Image.open(png).convert("RGB")
    assert image.size == size
    return np.asarray(image).astype(int) @ (1 << 16, 1 << 8, 1)


def test_a_programmed_via_is_drawn_in_its_own_colour(small_base, small_chip, tmp_path):
    bits = small_base.sites.rom.to_banks(small_base.image(1))
    for n, (site, bit) in enumerate(list(np.ndenumerate(bits))[:6]):
        x, y = small_base.sites.place(*site) / 1000
        png = tmp_path / f"{n}.png"
        draw_png(small_chip(1), png, LAYERS, window=(x - 0.2, y - 0.2, x + 0.2, y + 0.2), size=(40, 40))
        assert (colours(png, (40, 40))[20, 20] == PROGRAM) == bit


def test_the_whole_chip_gives_the_same_picture_each_time(small_chip, tmp_path):
    for name in "ab":
        draw_png(small_chip(1), tmp_path / f"{name}.png", LAYERS, size=(160, 80))
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert len(np.unique(colours(tmp_path / "a.png", (160, 80)))) > 3


def test_the_whole_chip_shows_vias_of_the_model_and_not_those_of_wires(small_chip, tmp_path):
    """A via of a wire lies on the program layer, too."""
    layout = kdb.Layout()
    layout.read(str(small_chip(1)))
    base = next(c for c in layout.each_cell() if c.name == "scf_small")
    for name, owner in (("wire", base), ("model", layout.cell("scf_small_metal"))):
        owner.shapes(layout.layer(*LAYERS["via2"])).insert(kdb.Box(0, 0, 2000, 2000))
        layout.write(str(tmp_path / f"{name}.oas"))
    corner = {}
    for name in ("wire", "model"):
        draw_png(tmp_path / f"{name}.oas", tmp_path / f"{name}.png", LAYERS, size=(320, 160))
        seen = colours(tmp_path / f"{name}.png", (320, 160))
        red, blue = seen >> 16, seen & 255
        corner[name] = (red > blue + 100)[120:, :60].sum()
        assert (red > blue + 100).sum() > 100  # the banks, in either
    assert corner["wire"] < corner["model"] - 20


def test_a_window_shows_vias_of_wires_in_another_colour(small_chip, tmp_path):
    layout = kdb.Layout()
    layout.read(str(small_chip(1)))
    base = next(c for c in layout.each_cell() if c.name == "scf_small")
    base.shapes(layout.layer(*LAYERS["via2"])).insert(kdb.Box(0, 0, 2000, 2000))
    layout.write(str(tmp_path / "c.oas"))
    draw_png(tmp_path / "c.oas", tmp_path / "c.png", LAYERS, window=(0.5, 0.5, 1.5, 1.5), size=(40, 40))
    assert colours(tmp_path / "c.png", (40, 40))[20, 20] != PROGRAM


def test_a_height_of_none_is_that_of_the_chip(small_chip, tmp_path):
    draw_png(small_chip(1), tmp_path / "a.png", LAYERS, size=(160, 0))
    assert Image.open(tmp_path / "a.png").size == (160, 80)  # the die is 60 x 30 um


def test_only_the_layers_asked_for(small_chip, tmp_path):
    draw_png(small_chip(1), tmp_path / "a.png", LAYERS, shown=["odd"], size=(60, 40))
    assert len(np.unique(colours(tmp_path / "a.png", (60, 40)))) == 1


def test_layer_properties_name_every_layer(tmp_path):
    path = tmp_path / "chip.lyp"
    write_layer_properties(path, LAYERS)
    found = [(p.findtext("name"), p.findtext("source")) for p in ElementTree.parse(path).iter("properties")]
    assert sorted(found) == sorted(
        (f"{n} {a}/{b}" + " (program)" * (n == "via2"), f"{a}/{b}@*") for n, (a, b) in LAYERS.items()
    )
    assert found[-1][0] == "via2 69/44 (program)"


def test_bad_input(small_chip, tmp_path):
    with pytest.raises(FlowError, match=r"unknown layers \['m9'\]; known: prBoundary") as e:
        draw_png(small_chip(1), tmp_path / "a.png", LAYERS, shown=["m9"])
    assert e.value.code == ExitCode.USAGE
    (tmp_path / "bad.gds").write_bytes(b"no layout")
    with pytest.raises(FlowError, match=r"bad\.gds"):
        draw_png(tmp_path / "bad.gds", tmp_path / "a.png", LAYERS)
    for write in (
        lambda p: draw_png(small_chip(1), p, LAYERS, size=(20, 20)),
        lambda p: write_layer_properties(p, LAYERS),
    ):
        with pytest.raises(FlowError) as e:
            write(tmp_path / "none" / "file")
        assert e.value.code == ExitCode.OUTPUT


def test_an_empty_layout_can_be_drawn(tmp_path):
    layout = kdb.Layout()
    layout.create_cell("empty")
    layout.write(str(tmp_path / "e.oas"))
    draw_png(tmp_path / "e.oas", tmp_path / "e.png", LAYERS, size=(20, 20))
