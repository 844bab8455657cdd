"""Read-back of ROM macros, which stand in every way that tiles have them."""

import klayout.db as kdb
import numpy as np
import pytest

from base_chip.arrays.layout import build_rom, rom_sites
from base_chip.arrays.spec import RomSpec
from rtl_gen.errors import FlowError
from signoff.readback import recover, write_hex

TURNS = (kdb.Trans.R0, kdb.Trans.R180, kdb.Trans.M0, kdb.Trans.M90)
VIA2 = kdb.LayerInfo(69, 44)
STEP = 200_000  # nm from one macro to the next


@pytest.fixture(scope="module", params=[1, 4])
def chip(request):
    """A die of a macro in each orientation, vias in a cell of their own, and what they mean."""
    spec = RomSpec(32, 32, mux=request.param)
    layout, sites = build_rom(spec), rom_sites(spec)
    macro, top, vias = layout.cell(spec.name), layout.create_cell("die"), layout.create_cell("vias")
    box = macro.bbox()
    bits = np.random.default_rng(1).random((len(TURNS), spec.words, spec.bits)) < 0.5
    for n, turn in enumerate(TURNS):
        corner = kdb.Trans(turn, 0, 0) * box
        where = kdb.Trans(turn, STEP * n - corner.left, -corner.bottom)
        top.insert(kdb.CellInstArray(macro.cell_index(), where))
        for x, y in sites.centres(bits[n]).tolist():
            at = where * kdb.Point(x, y)
            vias.shapes(layout.layer(VIA2)).insert(kdb.Box(at, at).enlarged(100, 100))
    top.insert(kdb.CellInstArray(vias.cell_index(), kdb.Trans()))
    return layout, bits


def test_every_bit_is_read_however_its_macro_is_turned(chip):
    layout, bits = chip
    found = recover(layout)
    np.testing.assert_array_equal(found.bits, bits)
    assert not len(found.unclear)


def test_macros_with_other_feet_are_read_together_and_others_sizes_are_refused(chip):
    layout, bits = chip
    other = layout.dup()
    grown = RomSpec(32, 64)
    build_rom(grown, other)
    other.cell("die").insert(kdb.CellInstArray(other.cell(grown.name).cell_index(), kdb.Trans(0, STEP)))
    with pytest.raises(FlowError, match="sizes of banks in die"):
        recover(other)
    mixed = layout.dup()
    spec = RomSpec(32, 32, mux=1 if "mux4" in str([c.name for c in layout.each_cell()]) else 4)
    build_rom(spec, mixed)
    mixed.cell("die").insert(kdb.CellInstArray(mixed.cell(spec.name).cell_index(), kdb.Trans(0, STEP)))
    assert len(recover(mixed).bits) == len(bits) + 1


def test_a_column_that_is_not_like_the_others_is_refused(chip):
    layout, _ = chip
    wrong = layout.dup()
    cell = next(c for c in wrong.each_cell() if c.name.startswith("scf_rom_32x32"))
    sites = rom_sites(RomSpec(32, 32))
    mark = kdb.Box(-20, -20, 20, 20).moved(int(sites.x[5]), int(sites.y[3:5].mean()))
    cell.shapes(wrong.layer(69, 20)).insert(mark)
    with pytest.raises(FlowError, match="differs from"):
        recover(wrong)


def test_contents_are_written_under_the_names_of_instances(chip, tmp_path):
    layout, bits = chip
    names = [f"rom_0_0.bank{n}.macro" for n in range(len(bits))]
    for path, bank in zip(write_hex(recover(layout).bits, tmp_path, names), bits, strict=True):
        first = int(path.read_text().split()[0], 16)
        assert [first >> b & 1 for b in range(bits.shape[2])] == bank[0].astype(int).tolist()
    assert sorted(p.stem for p in tmp_path.iterdir()) == sorted(names)
