"""The artifact holds what was placed and routed, and says so when anything has changed since."""

import json
from dataclasses import replace

import pytest

from base_chip.harden.artifact import FILES, MAPPED, Bindings, HardenedTile
from rtl_gen.errors import ExitCode, FlowError
from tests.small_block import small_block

MADE_FROM = Bindings(rtl="a", config="b", bank="c", cells="d")
BLOCK = small_block()
PRODUCTS = {name: name.encode() * 100 for name in FILES}


@pytest.fixture
def artifact(tmp_path):
    return HardenedTile.write(tmp_path, PRODUCTS, MADE_FROM, {"openroad": "26Q3"}, {"liberty": "x"})


def test_what_is_written_is_read(artifact):
    again = HardenedTile.read(artifact.folder, "small")
    assert again == artifact
    assert {name: again.content(name) for name in FILES} == PRODUCTS
    again.check(BLOCK, MADE_FROM)


def test_the_same_products_give_the_same_bytes(artifact, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    HardenedTile.write(
        other, dict(reversed(PRODUCTS.items())), MADE_FROM, {"openroad": "26Q3"}, {"liberty": "x"}
    )
    for path in artifact.folder.iterdir():
        assert path.read_bytes() == (other / path.name).read_bytes()


def test_a_product_too_few_is_no_artifact(tmp_path):
    with pytest.raises(ValueError, match="expected"):
        HardenedTile.write(tmp_path, {"layout.def": b""}, MADE_FROM, {}, {})


def test_mapped_logic_alone_is_an_artifact_that_is_not_routed(artifact):
    assert artifact.routed
    HardenedTile.write(artifact.folder, {name: PRODUCTS[name] for name in MAPPED}, MADE_FROM, {}, {})
    again = HardenedTile.read(artifact.folder, "small")
    assert not again.routed
    assert again.content("mapped.v") == PRODUCTS["mapped.v"]
    # Nothing of the routed one stays beside it
    assert sorted(p.name for p in artifact.folder.iterdir()) == ["manifest.json", "mapped.v.xz"]


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("rtl", "its RTL"),
        ("config", "tiles/small.yaml"),
        ("bank", "the macro scf_small_memory"),
        ("cells", "the standard cells"),
    ],
)
def test_a_change_is_named_with_the_way_on(artifact, field, words):
    with pytest.raises(FlowError, match=f"changed since it was hardened: {words}") as e:
        artifact.check(BLOCK, replace(MADE_FROM, **{field: "z"}))
    assert "sc-flow base build small" in str(e.value)


@pytest.mark.parametrize("damage", [b"", b"junk", None])
def test_a_damaged_file_is_named(artifact, damage):
    path = artifact.folder / "layout.def.xz"
    path.unlink() if damage is None else path.write_bytes(damage)
    with pytest.raises(FlowError, match=r"layout\.def\.xz"):
        artifact.content("layout.def")


def test_an_edited_file_is_refused(artifact, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    HardenedTile.write(other, PRODUCTS | {"layout.def": b"edited"}, MADE_FROM, {}, {})
    (artifact.folder / "layout.def.xz").write_bytes((other / "layout.def.xz").read_bytes())
    with pytest.raises(FlowError, match="edited"):
        artifact.content("layout.def")


def test_a_base_without_artifact_says_how_to_make_it(tmp_path):
    with pytest.raises(FlowError, match="no hardened artifact") as e:
        HardenedTile.read(tmp_path, "giga")
    assert e.value.code == ExitCode.MISSING_TOOL
    assert "sc-flow base build giga" in str(e.value)


@pytest.mark.parametrize(
    "edit", [lambda m: m.update(format=9), lambda m: m.pop("tools"), lambda m: m["files"].pop("lvs.v")]
)
def test_a_damaged_manifest_is_named(artifact, edit):
    path = artifact.folder / "manifest.json"
    manifest = json.loads(path.read_text())
    edit(manifest)
    path.write_text(json.dumps(manifest))
    with pytest.raises(FlowError, match="manifest of the hardened tile is damaged"):
        HardenedTile.read(artifact.folder, "small")
