import numpy as np
import pytest

from metal_configs.diff import Change, diff
from metal_configs.sitemap import SiteMap
from metal_configs.writer import make_manifest, write_manifest, write_metal
from rtl_gen.errors import FlowError
from rtl_gen.golden.rom import RomGeometry

ROM = RomGeometry(2, 8, 8, 2)
X, Y = 690 * np.arange(16), 430 * (np.arange(8) * 3 // 2)
SITES = SiteMap.of("b", ROM, [(0, 0), (20_000, 0)], X, Y)


def metal(folder, name, image, sites=SITES):
    written = write_metal(folder / f"{name}.oas", image, sites)
    hashes = {"base_sha256": sites.base, "weights_sha256": "e"}
    path = folder / f"{name}.json"
    write_manifest(path, make_manifest(written, sites, model=name, image=image, tools={}, **hashes))
    return path


def image(seed):
    return np.random.default_rng(seed).random((ROM.rows, ROM.bits)) < 0.5


def test_counts_by_bank(tmp_path):
    a, b = image(1), image(2)
    found = diff(metal(tmp_path, "a", a), metal(tmp_path, "b", b))
    ba, bb = ROM.to_banks(a), ROM.to_banks(b)
    expected = [Change(*(int(m[k].sum()) for m in (bb & ~ba, ba & ~bb, ba & bb))) for k in range(2)]
    assert list(found.banks) == expected
    assert found.models == ("a", "b")
    assert found.total.added == (b & ~a).sum()


def test_a_model_does_not_differ_from_itself(tmp_path):
    a = metal(tmp_path, "a", image(1))
    assert diff(a, a).total == Change(0, 0, int(image(1).sum()))
    none = metal(tmp_path, "none", np.zeros_like(image(1)))
    assert diff(none, a).total.added == image(1).sum()


def test_other_base_damage_and_absence_are_named(tmp_path):
    a = metal(tmp_path, "a", image(1))
    other = metal(tmp_path, "o", image(1), SiteMap.of("c", ROM, [(0, 0), (20_000, 0)], X, Y))
    with pytest.raises(FlowError, match="b and c differ"):
        diff(a, other)
    moved = metal(tmp_path, "m", image(1), SiteMap.of("b", ROM, [(0, 0), (20_000, 5)], X, Y))
    with pytest.raises(FlowError, match="site_map differ"):
        diff(a, moved)
    b = metal(tmp_path, "b", image(2))
    data = bytearray((tmp_path / "b.oas").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "b.oas").write_bytes(data)
    with pytest.raises(FlowError, match="damaged"):
        diff(a, b)
    (tmp_path / "b.oas").unlink()
    with pytest.raises(FlowError, match=r"b\.oas"):
        diff(a, b)
