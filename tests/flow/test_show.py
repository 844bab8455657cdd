"""A chip becomes a picture without a display."""

import json
from pathlib import Path

import pytest
from klayout import db

from flow.show import chip_of, latest_build, layer_properties, open_viewer, write_png
from rtl_gen.errors import FlowError

PNG = b"\x89PNG"


@pytest.fixture
def build(tmp_path) -> Path:
    folder = tmp_path / "build" / "m"
    (folder / "metal").mkdir(parents=True)
    config = {"model": "m", "model_path": "", "model_digest": ""}
    pdk = {"name": "sky130", "files": {}, "sources": {}, "liberty": {}, "digests": {}}
    run = {"config": config, "pdk": pdk, "build": str(folder), "forced": []}
    (folder / ".run.json").write_text(json.dumps(run))
    layout = db.Layout()
    top = layout.create_cell("top")
    top.shapes(layout.layer(69, 44)).insert(db.Box(0, 0, 2000, 1000))
    layout.write(str(folder / "metal" / "chip.oas"))
    return folder


def test_png_has_the_proportions_of_the_chip(build, tmp_path):
    path = tmp_path / "pictures" / "chip.png"
    chip = chip_of(latest_build(build.parent))
    write_png(chip, path, width=200)
    data = path.read_bytes()
    assert data.startswith(PNG)
    assert (int.from_bytes(data[16:20]), int.from_bytes(data[20:24])) == (200, 100)


def test_an_unwritable_picture_is_one_message(build, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FlowError, match="cannot write"):
        write_png(chip_of(build), tmp_path / "file" / "chip.png", width=100)


def test_layer_names_mark_the_program_layer(build):
    text = layer_properties(chip_of(build).pdk)
    assert "via2 (69/44), program layer" in text
    assert "met1 (68/20)" in text


def test_without_a_display_the_way_out_is_named(build, monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr("flow.show.require", lambda name: "1")
    with pytest.raises(FlowError) as e:
        open_viewer(chip_of(build))
    assert "--png" in e.value.hint
