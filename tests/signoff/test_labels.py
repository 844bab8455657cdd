"""Names and outlines stand where the layout has what they name."""

import numpy as np
import pytest
from PIL import Image

from rtl_gen.errors import FlowError
from signoff.labels import HATCH, LINE, TEXT, Mark, label_png

WINDOW = (10.0, 20.0, 50.0, 30.0)  # um, drawn as 400 x 100 pixels
BOX = (30.0, 22.0, 40.0, 28.0)


@pytest.fixture
def png(tmp_path):
    path = tmp_path / "a.png"
    Image.new("RGB", (400, 100), (14, 17, 22)).save(path)
    return path


def where(path, colour):
    """Left, upper, right and lower pixel of a colour; None where it is not."""
    shown = np.asarray(Image.open(path).convert("RGB")).astype(int) @ (1 << 16, 1 << 8, 1)
    y, x = np.nonzero(shown == colour)
    return (x.min(), y.min(), x.max(), y.max()) if len(x) else None


def test_an_outline_is_where_its_box_is(png):
    label_png(png, WINDOW, [Mark(BOX, "")])
    assert where(png, LINE) == (200, 20, 300, 80)


def test_a_picture_on_its_side_has_north_on_the_left(png):
    label_png(png, WINDOW, [Mark(BOX, "")], aside=True)
    assert Image.open(png).size == (100, 400)
    assert where(png, LINE) == (20, 100, 80, 200)


def test_what_is_outside_of_the_picture_is_cut_off(png):
    label_png(png, WINDOW, [Mark((0.0, 0.0, 20.0, 25.0), "")])
    assert where(png, LINE) == (0, 50, 100, 99)


def test_names_outside_leave_the_picture_as_it_is(png):
    before = np.asarray(Image.open(png).convert("RGB"))
    label_png(png, WINDOW, [Mark(BOX, "a name", "a note")], outside=True)
    after = np.asarray(Image.open(png).convert("RGB"))
    above = where(png, LINE)[1] - 20
    inside = after[above : above + 100].copy()
    assert len(after) > len(before) + above
    assert (inside[21:80, 202:299] == before[21:80, 202:299]).all()
    assert after[:above].max() > 150
    assert after[above + 100 :].max() > 150


def test_the_scale_is_as_long_as_it_says(png, monkeypatch):
    said = []
    monkeypatch.setattr("PIL.ImageDraw.ImageDraw.text", lambda self, at, text, *rest: said.append(text))
    label_png(png, WINDOW)
    left, _, right, _ = where(png, TEXT)
    assert said == ["5 um"]
    assert right - left == pytest.approx(50, abs=1)


def test_only_what_is_dark_is_hatched(png):
    picture = Image.open(png)
    picture.paste((200, 100, 50), (200, 20, 250, 80))
    picture.save(png)
    label_png(png, WINDOW, [Mark(BOX, "", hatched=True)])
    left, upper, right, lower = where(png, HATCH)
    assert (left >= 250, right <= 300, upper >= 20, lower <= 80) == (True,) * 4


def test_the_same_picture_each_time(png):
    found = []
    raw = png.read_bytes()
    for _ in range(2):
        png.write_bytes(raw)
        label_png(png, WINDOW, [Mark(BOX, "a name", "a note")])
        found.append(png.read_bytes())
    assert found[0] == found[1]


def test_an_unwritable_picture_is_one_message(png, monkeypatch):
    monkeypatch.setattr(Image.Image, "save", lambda *_, **__: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(FlowError, match=r"cannot write \(full\)"):
        label_png(png, WINDOW)
