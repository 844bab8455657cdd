import hashlib
import io
import json

import klayout.db as kdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metal_configs.sitemap import SiteMap
from metal_configs.writer import (
    image_sha256,
    make_manifest,
    read_manifest,
    write_banks,
    write_manifest,
    write_metal,
)
from metal_configs.writer.oasis import OasisFile, pack, signed, unsigned
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.rom import RomGeometry


def site_map(rom: RomGeometry, pitch: int = 690, x: np.ndarray | None = None) -> SiteMap:
    x = 345 + pitch * np.arange(rom.bit_lines) if x is None else x
    y = 430 * (np.arange(rom.word_lines) * 3 // 2) + 1000
    origins = np.array([(300_000 * b + 5, 2000 * b) for b in range(rom.banks)])
    signs = np.array([(1, 1), (-1, 1), (-1, -1)])[np.arange(rom.banks) % 3]
    return SiteMap("b", rom, origins, x, y, signs=signs)


def read(path) -> tuple[str, np.ndarray]:
    """Cell name and boxes [n, 4], sorted, as klayout reads them."""
    layout = kdb.Layout()
    layout.read(str(path))
    cell = layout.top_cell()
    assert layout.dbu == 0.001
    assert [(i.layer, i.datatype) for i in layout.layer_infos()] in ([(69, 44)], [])
    boxes = [
        (b.left, b.bottom, b.right, b.top)
        for n in layout.layer_indexes()
        for b in (s.box for s in cell.shapes(n).each())
    ]
    return cell.name, np.array(sorted(boxes)).reshape(-1, 4)


def expected(image: np.ndarray, sites: SiteMap) -> np.ndarray:
    p = sites.place(*np.nonzero(sites.rom.to_banks(image)))
    return np.array(sorted(np.hstack([p - 100, p + 100]).tolist())).reshape(-1, 4)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_klayout_reads_what_was_written(tmp_path_factory, data):
    rom = data.draw(st.builds(RomGeometry, *(st.integers(1, n) for n in (3, 6, 5, 4))))
    gaps = data.draw(st.lists(st.sampled_from([690, 1380, 935, 40_000]), min_size=20, max_size=20))
    x = np.cumsum(gaps)[: rom.bit_lines]
    if data.draw(st.booleans()):
        x = x[::-1]
    sites = site_map(rom, x=x)
    seed, density = data.draw(st.tuples(st.integers(0, 99), st.sampled_from([0.0, 0.1, 0.5, 1.0])))
    image = np.random.default_rng(seed).random((rom.rows, rom.bits)) < density
    path = tmp_path_factory.mktemp("m") / "m.oas"
    written = write_metal(path, image, sites)
    name, boxes = read(path)
    assert name == "scf_b_metal"
    np.testing.assert_array_equal(boxes, expected(image, sites))
    assert sum(written.programmed) == image.sum() == len(boxes)


@pytest.mark.parametrize("density", [0.004, 0.5])
def test_long_lines_and_wide_gaps(tmp_path, density):
    rom = RomGeometry(2, 16, 512, 4)
    sites = site_map(rom, pitch=345)
    image = np.random.default_rng(3).random((rom.rows, rom.bits)) < density
    write_metal(tmp_path / "m.oas", image, sites)
    np.testing.assert_array_equal(read(tmp_path / "m.oas")[1], expected(image, sites))


def test_gdstk_reads_the_same_and_the_checksum_holds(tmp_path):
    gdstk = pytest.importorskip("gdstk")
    rom = RomGeometry(2, 16, 16, 4)
    sites = site_map(rom)
    image = np.random.default_rng(3).random((rom.rows, rom.bits)) < 0.5
    path = tmp_path / "m.oas"
    write_metal(path, image, sites)
    assert gdstk.oas_validate(str(path))[0]
    (cell,) = gdstk.read_oas(str(path)).cells
    assert cell.name == "scf_b_metal"
    polygons = cell.get_polygons()
    boxes = np.rint([[*p.points.min(0), *p.points.max(0)] for p in polygons] * np.array(1000)).astype(int)
    assert {(p.layer, p.datatype) for p in polygons} == {(69, 44)}
    np.testing.assert_array_equal(np.array(sorted(boxes.tolist())), expected(image, sites))


def test_bytes_depend_on_the_image_alone(tmp_path):
    rom = RomGeometry(2, 8, 8, 2)
    sites = site_map(rom)
    image = np.random.default_rng(3).random((rom.rows, rom.bits)) < 0.5
    a = write_metal(tmp_path / "a.oas", image, sites)
    b = write_banks(tmp_path / "b.oas", iter(rom.to_banks(image)), sites)
    data = (tmp_path / "a.oas").read_bytes()
    assert data == (tmp_path / "b.oas").read_bytes()
    assert a.sha256 == b.sha256 == hashlib.sha256(data).hexdigest()
    assert a.size == len(data)
    assert data.startswith(b"%SEMI-OASIS\r\n")
    assert data[-256] == 2  # END, whose length is fixed


@given(st.lists(st.integers(0, 2**40)))
def test_packed_integers(values):
    data, length = pack(np.array(values, np.int64))
    assert data.tobytes() == b"".join(map(unsigned, values))
    assert (length is None) or length.tolist() == [len(unsigned(v)) for v in values]


def test_signed_integers():
    assert signed(np.array([0, 1, -1, 300])).tolist() == [0, 2, 3, 600]


def test_an_empty_cell_is_a_valid_file(tmp_path):
    stream = io.BytesIO()
    file = OasisFile(stream)
    file.cell("empty")
    file.block(b"")
    file.close()
    (tmp_path / "e.oas").write_bytes(stream.getvalue())
    assert read(tmp_path / "e.oas")[0] == "empty"


def test_bad_input(tmp_path):
    rom = RomGeometry(2, 8, 8, 2)
    sites = site_map(rom)
    with pytest.raises(FlowError, match=r"\(3, 8\), expected bool \(32, 8\) for base b"):
        write_metal(tmp_path / "a.oas", np.zeros((3, 8), bool), sites)
    with pytest.raises(FlowError, match="uint8"):
        write_metal(tmp_path / "a.oas", np.zeros((32, 8), np.uint8), sites)
    with pytest.raises(FlowError) as e:
        write_metal(tmp_path / "no" / "a.oas", np.zeros((32, 8), bool), sites)
    assert e.value.code == ExitCode.OUTPUT
    (tmp_path / "a.oas").write_bytes(b"earlier")
    with pytest.raises(ValueError, match="bank 0"):
        write_banks(tmp_path / "a.oas", [np.zeros((1, 1), bool)] * 2, sites)
    assert (tmp_path / "a.oas").read_bytes() == b"earlier"
    assert [p.name for p in tmp_path.iterdir()] == ["a.oas"]


def test_manifest(tmp_path):
    rom = RomGeometry(2, 8, 8, 2)
    sites = site_map(rom)
    image = np.random.default_rng(3).random((rom.rows, rom.bits)) < 0.5
    written = write_metal(tmp_path / "m.oas", image, sites)
    given = {
        "model": "m",
        "image": image,
        "base_sha256": "b5",
        "weights_sha256": "e6",
        "tools": {"numpy": "2"},
    }
    manifest = make_manifest(written, sites, **given)
    path = tmp_path / "m.json"
    write_manifest(path, manifest)
    assert read_manifest(path) == manifest
    assert path.read_text() == json.dumps(manifest, sort_keys=True, indent=1) + "\n"
    assert manifest["sites"]["programmed"] == image.sum()
    assert manifest["sites"]["total"] == image.size
    assert manifest["image_sha256"] == image_sha256(image)
    flipped = image.copy()
    flipped[1, 1] ^= True
    assert image_sha256(flipped) != image_sha256(image)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"format": "sc-flow-metal-2"}', '{"format": "other"}']
)
def test_damaged_manifest(tmp_path, text):
    path = tmp_path / "m.json"
    path.write_text(text)
    with pytest.raises(FlowError, match=r"m\.json"):
        read_manifest(path)
    with pytest.raises(FlowError):
        read_manifest(tmp_path / "absent.json")
