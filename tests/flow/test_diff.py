"""Two builds on one base are compared by mask, ROM macro and matrix, die by die."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from flow.chain.owners import chip_told, owners_of
from flow.cli.main import cli
from flow.diff import compare
from flow.heat_map import draw_heat_map
from rtl_gen.errors import FlowError
from tests.flow.die_builds import DIE, make_build

VIA2 = (69, 44)


@pytest.fixture(scope="module", params=[1, 2], ids=["a die", "two dies"])
def builds(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("builds")
    return [make_build(folder / name, seed, dies=request.param) for name, seed in (("one", 1), ("two", 2))]


@pytest.fixture(scope="module")
def found(builds):
    return compare(*(build.folder for build in builds))


def changed(builds, which, die):
    """Sites that only one build has vias on, by the name that it has for them."""
    mine, other = builds[which], builds[1 - which]
    whose = owners_of(mine.folder, chip_told(mine.folder), DIE, die)
    counts = np.bincount(whose.of[mine.bits(die) & ~other.bits(die)], minlength=len(whose.names))
    return dict(zip(whose.names, counts.tolist(), strict=True))


def test_vias_by_matrix_of_each_die(builds, found):
    assert len(found.dies) == len(builds[0].images)
    for n, die in enumerate(found.dies):
        removed, added = (changed(builds, which, n) for which in (0, 1))
        by_name = {(b.name, b.kind): b for b in die.blocks}
        assert {name: b.added for name, b in by_name.items() if b.added} == {
            k: v for k, v in added.items() if v
        }
        assert {name: b.removed for name, b in by_name.items() if b.removed} == {
            k: v for k, v in removed.items() if v
        }
        assert sum(b.added for b in die.blocks) == die.metal.total.added
        assert sum(b.removed for b in die.blocks) == die.metal.total.removed


def test_the_sum_is_that_of_all_dies(builds, found):
    pairs = [(builds[0].bits(n), builds[1].bits(n)) for n in range(len(found.dies))]
    assert found.total.added == sum(int((b & ~a).sum()) for a, b in pairs) > 0
    assert found.total.removed == sum(int((a & ~b).sum()) for a, b in pairs) > 0
    assert found.total.kept == sum(int((a & b).sum()) for a, b in pairs) > 0
    assert sum(b.added for b in found.blocks) == found.total.added
    assert len({(b.name, b.kind) for b in found.blocks}) == len(found.blocks)


def test_macros_that_hold_something_are_told_by_name(builds, found):
    for n, die in enumerate(found.dies):
        held = [name for name in builds[0].macros[n] if any(b.macros[n][name].any() for b in builds)]
        assert [f"{name}.macro" for name, _ in die.used] == held
        assert 0 < len(held) < len(builds[0].macros[n])


def test_masks_that_serve_both(found):
    assert found.differ == [VIA2]
    assert found.reused == 1


def test_a_layer_of_the_base_that_differs_on_a_die_is_told(tmp_path):
    first = make_build(tmp_path / "one", 1)
    second = make_build(tmp_path / "two", 1, extra=((67, 20),))
    found = compare(first.folder, second.folder)
    assert found.differ == [(67, 20)]
    assert (found.total.added, found.total.removed) == (0, 0)


def test_the_map_has_a_colour_for_each_kind_of_change(found, tmp_path):
    path = tmp_path / "maps" / "heat.png"
    draw_heat_map(path, found, scale=1)
    shown = np.asarray(Image.open(path))
    macros = sum(len(die.used) for die in found.dies)
    assert shown.shape[1] == min(macros, 8) * (128 + 8) - 8
    shown = shown[np.arange(len(shown)) % (20 + 256 + 8) >= 20]  # without the names above the macros
    for colour, count in (
        ((31, 119, 180), found.total.added),
        ((214, 39, 40), found.total.removed),
        ((190, 190, 190), found.total.kept),
    ):
        assert (shown == colour).all(2).sum() == count


def test_the_command_prints_the_table_and_json(builds, found):
    folders = [str(build.folder) for build in builds]
    run = CliRunner().invoke(cli, ["diff", *folders], catch_exceptions=False)
    assert "layers that differ: 69/44; masks reused: 1 of 2" in run.output
    assert "rom_0_0.bank0" in run.output
    assert ("die 1 rom_0_0.bank0" in run.output) == (len(found.dies) == 2)
    assert "program (program)" in run.output
    run = CliRunner().invoke(cli, ["diff", *folders, "--json"], catch_exceptions=False)
    told = json.loads(run.output)
    assert told["total"]["added"] == found.total.added
    assert [die["total"]["added"] for die in told["dies"]] == [d.metal.total.added for d in found.dies]


@pytest.mark.parametrize("name", ["metal/die0/manifest.json", "metal/die0/chip.oas", "compile/contents.json"])
def test_a_folder_without_a_chip_is_named(tmp_path, name):
    first, second = (make_build(tmp_path / n, 1).folder for n in ("one", "two"))
    (second / name).unlink()
    with pytest.raises(FlowError, match=f"{name} is missing") as e:
        compare(first, second)
    assert e.value.where == str(second)


def test_chains_of_other_lengths_are_not_compared(tmp_path):
    first, second = make_build(tmp_path / "one", 1), make_build(tmp_path / "two", 1, dies=2)
    with pytest.raises(FlowError, match="the first model is on 1 dies, the second on 2"):
        compare(first.folder, second.folder)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("contents.json", '{"rom": [{"name": 1}]}'),
        ("chip.json", "{}"),
        ("chip.json", '{"dies": 1, "roms": ["rom_0_0.bank0.macro"]}'),
    ],
)
def test_an_edited_build_is_one_message(tmp_path, name, text):
    first, second = (make_build(tmp_path / n, 1).folder for n in ("one", "two"))
    (first / "compile" / name).write_text(text)
    with pytest.raises(FlowError, match=r"cannot be read|1 ROM macros"):
        compare(first, second)
