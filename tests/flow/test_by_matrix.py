"""Program vias on a layer per matrix: each via on that of its matrix, and all else as it was."""

from collections import defaultdict
from dataclasses import replace

import klayout.db as kdb
import numpy as np
import pytest

from flow.chain.owners import chip_told, owners_of
from flow.show import chip_of, coloured_by_matrix
from flow.stitching.column import die_column
from flow.stitching.contents import CONTENTS, die_contents, memories
from flow.stitching.owners import owners
from rtl_gen.errors import FlowError
from tests.flow.die_builds import DIE, OF_BASE, make_build

ROM = die_column(DIE).rom


@pytest.fixture
def build(tmp_path, monkeypatch):
    made = make_build(tmp_path / "m", 3, dies=2)
    monkeypatch.setattr("flow.stitching.roms.die_sites", lambda base: made.sites)
    return made


def vias_by_name(build, die):
    """How many there are of each name and kind, by the rows and words in which memories are read."""
    found = defaultdict(int)
    for memory in memories(build.macros[die], die_contents(build.images[die]), ROM):
        for b in memory.blocks:
            found[b.name, b.kind] += int(memory.vias[b.start : b.start + b.rows].sum())
    return {name: count for name, count in found.items() if count}


@pytest.mark.parametrize("die", [0, 1])
def test_bits_are_of_what_reads_them(build, die):
    whose = owners_of(build.folder, chip_told(build.folder), DIE, die)
    bits = build.bits(die)
    assert not (bits & (whose.of < 0)).any()
    counts = np.bincount(whose.of[bits], minlength=len(whose.names))
    found = {name: int(n) for name, n in zip(whose.names, counts, strict=True) if n}
    assert found == vias_by_name(build, die)
    assert ("program", "program") in found


def test_macros_may_come_in_any_order(build):
    names, contents = list(build.macros[0]), die_contents(build.images[0])
    words, bits = DIE.sites.shape
    order = np.random.default_rng(1).permutation(len(names))
    mixed = owners([names[n] for n in order], words, bits, contents, ROM)
    np.testing.assert_array_equal(mixed.of, owners(names, words, bits, contents, ROM).of[order])


@pytest.mark.parametrize("die", [0, 1])
def test_each_via_is_on_the_layer_of_its_matrix(build, die):
    chip = coloured_by_matrix(chip_of(build.folder, die))
    out = kdb.Layout()
    out.read(str(chip.layout))
    whose = owners_of(build.folder, chip_told(build.folder), DIE, die)
    told = {}
    for extra in chip.apart:
        title, _, vias = extra.name.rpartition(", ")
        region = kdb.Region(out.top_cell().begin_shapes_rec(out.layer(*extra.layer)))
        found = {(p.bbox().center().x, p.bbox().center().y) for p in region.each()}
        number = next(n for n, name in enumerate(whose.names) if title == f"{name[0]} ({name[1]})")
        places = np.nonzero(build.bits(die) & (whose.of == number))
        assert found == {(int(x), int(y)) for x, y in build.sites.place(*places)}
        assert vias == f"{len(found)} vias"
        told[whose.names[number]] = len(found)
    assert told == vias_by_name(build, die)
    top = out.top_cell()
    assert not any(True for _ in top.begin_shapes_rec(out.layer(*build.sites.layer)).each())
    assert top.bbox(out.layer(*OF_BASE)) == kdb.Box(0, 0, 1000, 1000)


def test_a_chip_of_another_build_is_refused(build, tmp_path):
    other = make_build(tmp_path / "other", 3)  # the whole model on a die, not half of it
    chip = replace(chip_of(build.folder), layout=other.folder / "metal/die0/chip.oas")
    with pytest.raises(FlowError, match="on one of no matrix"):
        coloured_by_matrix(chip)


@pytest.mark.parametrize(
    "text",
    ["", "[1]", '[{"rom": [{"name": "a", "kind": "b", "start": "x", "rows": 1}]}]', "[{}]", "{}", "[]"],
)
def test_damaged_contents_are_one_message(build, text):
    (build.folder / "compile" / CONTENTS).write_text(text)
    with pytest.raises(FlowError, match="cannot be read"):
        coloured_by_matrix(chip_of(build.folder))


def test_a_build_without_contents_is_one_message(build):
    (build.folder / "compile" / CONTENTS).unlink()
    with pytest.raises(FlowError, match=r"compile/contents.json is missing"):
        coloured_by_matrix(chip_of(build.folder))
