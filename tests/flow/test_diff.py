"""Two builds on one base are compared by mask, bank and matrix."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from klayout import db
from PIL import Image

from flow.cli.main import cli
from flow.diff import compare, draw_heat_map
from metal_configs.sitemap import SiteMap
from metal_configs.writer import make_manifest, write_manifest, write_metal
from rtl_gen.errors import FlowError
from rtl_gen.golden.rom import RomGeometry

ROM = RomGeometry(2, 8, 8, 2)
SITES = SiteMap.of("b", ROM, [(0, 0), (20_000, 0)], 690 * np.arange(16), 430 * (np.arange(8) * 3 // 2))
BLOCKS = [("program", "program", 0, 4), ("q[0]", "weights", 4, 10), ("q[1]", "weights", 14, 10)]


def build(folder, seed, *, blocks=BLOCKS, extra=()):
    """A build of a chip of two banks; returns its folder and its ROM image."""
    image = np.random.default_rng(seed).random((ROM.rows, ROM.bits)) < 0.5
    for name in ("metal", "image"):
        (folder / name).mkdir(parents=True)
    written = write_metal(folder / "metal" / "metal.oas", image, SITES)
    hashes = {"base_sha256": "0", "weights_sha256": "0"}
    manifest = make_manifest(written, SITES, model=folder.name, image=image, tools={}, **hashes)
    write_manifest(folder / "metal" / "manifest.json", manifest)
    told = [dict(zip(("name", "kind", "start", "rows"), b, strict=True)) for b in blocks]
    (folder / "image" / "blocks.json").write_text(json.dumps(told))
    layout = db.Layout()
    layout.read(str(written.path))
    for layer in ((68, 20), *extra):
        layout.top_cell().shapes(layout.layer(*layer)).insert(db.Box(0, 0, 1000, 1000))
    layout.write(str(folder / "metal" / "chip.oas"))
    return folder, image


def test_vias_by_matrix_and_masks_that_serve_both(tmp_path):
    (first, a), (second, b) = build(tmp_path / "one", 1), build(tmp_path / "two", 2)
    found = compare(first, second)
    by_name = {x.name: x for x in found.blocks}
    assert list(by_name) == ["program", "q", "(rows without a name)"]
    assert by_name["q"].added == (b & ~a)[4:24].sum()
    assert by_name["q"].removed == (a & ~b)[4:24].sum()
    assert by_name["(rows without a name)"].added == (b & ~a)[24:].sum()
    assert sum(x.added for x in found.blocks) == found.metal.total.added
    assert found.differ == ((69, 44),)
    assert found.reused == 1


def test_a_layer_of_the_base_that_differs_is_told(tmp_path):
    (first, _), (second, _) = build(tmp_path / "one", 1), build(tmp_path / "two", 1, extra=[(67, 20)])
    found = compare(first, second)
    assert found.differ == ((67, 20),)
    assert found.metal.total.added == 0


def test_the_map_has_a_colour_for_each_kind_of_change(tmp_path):
    (first, a), (second, b) = build(tmp_path / "one", 1), build(tmp_path / "two", 2)
    path = tmp_path / "maps" / "heat.png"
    draw_heat_map(path, compare(first, second).metal, scale=1)
    shown = np.asarray(Image.open(path))
    assert shown.shape == (8, 2 * 16 + 8, 3)
    assert (shown == (31, 119, 180)).all(2).sum() == (b & ~a).sum()
    assert (shown == (214, 39, 40)).all(2).sum() == (a & ~b).sum()
    assert (shown == (190, 190, 190)).all(2).sum() == (a & b).sum()


def test_the_command_prints_the_table_and_json(tmp_path):
    (first, a), (second, b) = build(tmp_path / "one", 1), build(tmp_path / "two", 2)
    run = CliRunner().invoke(cli, ["diff", str(first), str(second)], catch_exceptions=False)
    assert "layers that differ: 69/44; masks reused: 1 of 2" in run.output
    run = CliRunner().invoke(cli, ["diff", str(first), str(second), "--json"], catch_exceptions=False)
    assert json.loads(run.output)["total"]["added"] == (b & ~a).sum()


@pytest.mark.parametrize("name", ["metal/manifest.json", "metal/chip.oas", "image/blocks.json"])
def test_a_folder_without_a_chip_is_named(tmp_path, name):
    (first, _), (second, _) = build(tmp_path / "one", 1), build(tmp_path / "two", 2)
    (second / name).unlink()
    with pytest.raises(FlowError, match=f"{name} is missing") as e:
        compare(first, second)
    assert e.value.where == str(second)


def test_edited_names_of_rows_are_named(tmp_path):
    (first, _), (second, _) = build(tmp_path / "one", 1), build(tmp_path / "two", 2)
    (second / "image/blocks.json").write_text('[{"name": 1}]')
    with pytest.raises(FlowError, match="cannot be read"):
        compare(first, second)
