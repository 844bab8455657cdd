"""A die without the insides of its tiles: the faults that count are those that no tile has by itself."""

import klayout.db as kdb
import pytest

from base_chip.pdk import load_pdk
from signoff import drc_klayout, drc_shell
from signoff.gds import write_gds
from signoff.violations import Fault, Violations
from tests.kit import needs

LAYERS = load_pdk("sky130").layers
SIDE = 100_000
NEAR = (0, 0, 600, 600), (700, 0, 1300, 600)  # met1 0.10 um apart


def draw(cell: kdb.Cell, layer: str, x: int, y: int, *boxes: tuple[int, int, int, int]) -> None:
    for box in boxes:
        cell.shapes(cell.layout().layer(*LAYERS[layer])).insert(kdb.Box(*box).moved(x, y))


def make(path, faults: bool = True) -> tuple[kdb.Layout, kdb.Layout]:
    """A die of two tiles with a macro in the middle of each, and a tile by itself."""
    layout = kdb.Layout()
    tile, die, macro = (layout.create_cell(name) for name in ("tile", "die", "macro"))
    draw(tile, "prBoundary", 0, 0, (0, 0, SIDE, SIDE))
    draw(macro, "met1", 0, 0, (0, 0, 20_000, 20_000))
    tile.insert(kdb.CellInstArray(macro.cell_index(), kdb.Trans(40_000, 40_000)))
    draw(tile, "met2", 0, 0, (0, 95_000, SIDE, 95_300), (30_000, 0, 30_300, 30_300))
    for x, y in ((50_000, 95_150), (30_150, 30_150)):  # the second wire has its only via where it is left out
        for name, half in (("via", 75), ("met1", 300)):
            draw(tile, name, x, y, (-half, -half, half, half))
    if faults:
        draw(macro, "met1", 20_100, 0, (0, 0, 600, 600))  # at a macro's edge, deep in the tile
        draw(macro, "mcon", 5_000, 5_000, (0, 0, 100, 100))  # in the macro
        draw(tile, "met3", 5_002, 30_000, (0, 0, 1000, 1000))  # off the grid, near the tile's edge
        draw(tile, "via2", 99_800, 20_000, (0, 0, 200, 200))  # at the seam
        draw(tile, "met1", 99_400, 60_000, (0, 0, 550, 600))  # with the next: too near across the seam
        draw(tile, "met1", 50, 60_000, (0, 0, 550, 600))
    for x in (0, SIDE):
        die.insert(kdb.CellInstArray(tile.cell_index(), kdb.Trans(x, 0)))
    if faults:
        draw(die, "met1", -3_000, 50_000, *NEAR)  # in the margin
    write_gds(layout, path / "die.gds", "die")
    write_gds(layout, path / "tile.gds", "tile")
    return drc_shell._read(path / "die.gds"), drc_shell._read(path / "tile.gds")


def test_what_is_deep_inside_is_left_out_and_nothing_else(tmp_path):
    die, _ = make(tmp_path)
    shell = drc_shell.hollow(die, "die", ["tile"])
    assert [str(box) for box in shell.tiles] == ["(0,0;100,100)", "(100,0;200,100)"]
    deep = kdb.Region()
    for x in (0, SIDE):
        deep.insert(kdb.Box(20_000, 20_000, 80_000, 80_000).moved(x, 0))
    for name in ("met1", "met2", "met3", "via2", "mcon"):
        whole, left = (
            kdb.Region(of.cell("die").begin_shapes_rec(of.layer(*LAYERS[name]))) for of in (die, shell.layout)
        )
        assert ((whole - deep) ^ left).is_empty(), name


@pytest.mark.parametrize(
    ("rule", "box", "counts"),
    [
        ("r", (50, 50, 51, 51), False),  # deep in a tile
        ("r", (5, 50, 50, 51), True),  # from near its edge into the deep
        ("r", (99, 50, 101, 51), True),  # across the seam
        ("r", (-5, 50, -4, 51), True),  # in the margin
        ("m2.x", (0, 50, 50, 51), False),  # a wire that was cut
        ("m2.x", (0, 50, 9, 51), True),  # one that was not
        ("m2.x", (90, 50, 110, 51), True),
    ],
)
def test_which_faults_count(tmp_path, rule, box, counts):
    die, _ = make(tmp_path)
    shell = drc_shell.hollow(die, "die", ["tile"])
    place = f"polygon: {kdb.DPolygon(kdb.DBox(*box))}"
    found = shell.judged(Violations([Fault(rule, "die", box, place)], 7))
    assert (len(found.faults), found.rules) == (int(counts), 7)


def test_a_fault_in_a_cell_counts_where_the_cell_stands(tmp_path):
    die, _ = make(tmp_path)
    shell = drc_shell.hollow(die, "die", ["tile"])
    (bottom,) = {i.cell.name for i in shell.layout.cell("die").each_inst() if i.bbox().bottom < 0} or {
        "tile$1"
    }
    found = shell.judged(Violations([Fault("r", bottom, (1, 2, 3, 4), "polygon: (1,2;1,4;3,4;3,2)")]))
    assert {f.box for f in found.faults} == {(1, 2, 3, 4), (101, 2, 103, 4)}
    assert {f.cell for f in found.faults} == {"die"}


def test_a_tile_must_be_the_one_that_was_looked_at_and_alone_in_its_place(tmp_path):
    outline = LAYERS["prBoundary"]
    (tmp_path / "clean").mkdir()
    die, tile = make(tmp_path / "clean", faults=False)
    assert drc_shell.insides(die, "die", {"tile": tile}, outline) == []
    other, _ = make(tmp_path)  # in a cell of the tile, too
    assert "tile is another than the tile by itself" in drc_shell.insides(
        other, "die", {"tile": tile}, outline
    )
    over = die.dup()
    draw(over.cell("die"), "met1", 50_000, 50_000, (0, 0, 10, 10))
    assert drc_shell.insides(over, "die", {"tile": tile}, outline) == ["68/20 of the die lies in a tile"]
    over = die.dup()
    over.cell("die").insert(kdb.CellInstArray(over.cell("tile").cell_index(), kdb.Trans(150_000, 0)))
    assert any("lies in one" in fault for fault in drc_shell.insides(over, "die", {"tile": tile}, outline))


@pytest.mark.flow
@needs("klayout")
def test_shell_and_tile_together_find_what_the_whole_die_has(kit, tmp_path):
    make(tmp_path)
    whole = drc_klayout.find("drc", tmp_path / "die.gds", "die", kit.deck, tmp_path / "whole", 300)
    alone = drc_klayout.find("drc", tmp_path / "tile.gds", "tile", kit.deck, tmp_path / "alone", 300)
    tiles = {"tile": tmp_path / "tile.gds"}
    row, inside, control = drc_shell.run(
        tmp_path / "die.gds", "die", tiles, kit.deck, tmp_path / "shell", layers=LAYERS, timeout=300
    )
    (report,) = (tmp_path / "shell").glob("beol/*.lyrdb")
    shell = drc_shell.hollow(drc_shell._read(tmp_path / "die.gds"), "die", ["tile"])
    shell = drc_shell.replace(shell, layout=drc_shell._read(tmp_path / "shell" / "shell.gds"))
    told = drc_klayout.parse_report(report)
    found = shell.judged(told)
    assert "m2.x" in set(told.counts) - set(found.counts)  # the wire that was cut
    assert (row.status, inside.status, control.status) == ("fail", "pass", "pass"), (row, inside, control)
    missed = set(whole.counts) - set(found.counts) - set(alone.counts)
    assert not missed
    assert set(found.counts) <= set(whole.counts)  # nothing comes of the cut
    assert {"MR_met1.SP.1", "m3_OFFGRID", "MR_via2.CON.1"} <= set(found.counts)
    assert any(f.box[0] < 100 < f.box[2] for f in found.faults if f.rule == "MR_met1.SP.1")
    assert {"MR_mcon.WID.1"} <= set(alone.counts) - set(found.counts)


@pytest.mark.flow
@needs("klayout")
def test_a_clean_die_has_no_faults_of_the_cut(kit, tmp_path):
    make(tmp_path, faults=False)
    tiles = {"tile": tmp_path / "tile.gds"}
    rows = drc_shell.run(tmp_path / "die.gds", "die", tiles, kit.deck, tmp_path / "shell", layers=LAYERS)
    assert [(r.name, r.status) for r in rows] == [
        ("drc_klayout", "pass"), ("tile_insides", "pass"), ("tile_insides_control", "pass"),
    ], rows  # fmt: skip
