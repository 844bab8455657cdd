"""Digests of how a layout is drawn."""

from collections.abc import Callable

import klayout.db as kdb
import pytest

from signoff.structure import Structure

MET1, MET2, LABEL = (68, 20), (69, 20), (68, 5)


def made(change: Callable[[kdb.Layout], None] = lambda layout: None) -> Structure:
    """A top cell with a wire, and two cells in three places each."""
    layout = kdb.Layout()
    top, a, b = (layout.create_cell(name) for name in ("top", "a", "b"))
    a.shapes(layout.layer(*MET1)).insert(kdb.Box(0, 0, 100, 100))
    a.shapes(layout.layer(*MET1)).insert(kdb.Box(200, 0, 300, 100))
    b.shapes(layout.layer(*MET2)).insert(kdb.Polygon([kdb.Point(0, 0), kdb.Point(0, 9), kdb.Point(9, 0)]))
    top.shapes(layout.layer(*MET1)).insert(kdb.Box(-100, 50, 5000, 60))
    top.shapes(layout.layer(*LABEL)).insert(kdb.Text("a", kdb.Trans(1, 2)))
    for cell in (a, b):
        for n in range(3):
            top.insert(kdb.CellInstArray(cell.cell_index(), kdb.Trans(n, False, 1000 * n, 0)))
    change(layout)
    return Structure(layout)


def digests(structure: Structure) -> list[str]:
    return [structure.layer(layer) for layer in (MET1, MET2, LABEL)]


def shapes(layout: kdb.Layout, cell: str, layer: tuple[int, int]) -> kdb.Shapes:
    return layout.cell(cell).shapes(layout.layer(*layer))


def in_another_order(layout: kdb.Layout) -> None:
    top = layout.cell("top")
    places = [kdb.CellInstArray(i.cell_index, i.trans) for i in top.each_inst()]
    top.clear_insts()
    for place in reversed(places):
        top.insert(place)
    boxes = [s.box for s in shapes(layout, "a", MET1).each()]
    shapes(layout, "a", MET1).clear()
    for box in reversed(boxes):
        shapes(layout, "a", MET1).insert(box)


def below_another_level(layout: kdb.Layout) -> None:
    base, metal, top = layout.cell("top"), layout.create_cell("metal"), layout.create_cell("chip")
    metal.shapes(layout.layer(69, 44)).insert(kdb.Box(0, 0, 5, 5))
    for cell in (base, metal):
        top.insert(kdb.CellInstArray(cell.cell_index(), kdb.Trans()))


def renamed(layout: kdb.Layout) -> None:
    for cell in layout.each_cell():
        cell.name = f"other_{cell.name}"


@pytest.mark.parametrize("change", [in_another_order, below_another_level, renamed])
def test_what_is_drawn_alike_has_equal_digests(change):
    assert digests(made(change)) == digests(made())
    assert all(digests(made()))


def moved(layout: kdb.Layout) -> None:
    inst = next(i for i in layout.cell("top").each_inst() if i.cell.name == "a" and i.trans.disp.x)
    inst.transform(kdb.Trans(0, 5))


def turned(layout: kdb.Layout) -> None:
    inst = next(i for i in layout.cell("top").each_inst() if i.cell.name == "a")
    inst.trans = kdb.Trans(inst.trans.rot ^ 1, inst.trans.disp)


def once_more(layout: kdb.Layout) -> None:
    inst = next(i for i in layout.cell("top").each_inst() if i.cell.name == "a")
    layout.cell("top").insert(kdb.CellInstArray(inst.cell_index, inst.trans))


def repeated(layout: kdb.Layout) -> None:
    inst = next(i for i in layout.cell("top").each_inst() if i.cell.name == "a")
    inst.na, inst.nb, inst.a, inst.b = 2, 1, kdb.Vector(5000, 0), kdb.Vector(0, 1)


def enlarged(layout: kdb.Layout) -> None:
    inst = next(i for i in layout.cell("top").each_inst() if i.cell.name == "a")
    inst.cplx_trans = kdb.ICplxTrans(2.0) * inst.cplx_trans


def shifted(layout: kdb.Layout) -> None:
    """The whole design."""
    chip = layout.create_cell("chip")
    chip.insert(kdb.CellInstArray(layout.cell("top").cell_index(), kdb.Trans(5, 0)))


@pytest.mark.parametrize(
    "change",
    [
        moved,
        turned,
        once_more,
        repeated,
        enlarged,
        shifted,
        lambda layout: shapes(layout, "a", MET1).insert(kdb.Box(0, 0, 5, 5)),
        lambda layout: shapes(layout, "top", MET1).insert(kdb.Box(-100, 50, 5000, 60)),
        lambda layout: shapes(layout, "b", MET1).insert(kdb.Box(0, 0, 5, 5)),
        lambda layout: shapes(layout, "a", MET1).clear(),
    ],
)
def test_any_difference_is_seen_on_its_layer(change):
    wrong, right = made(change), made()
    assert wrong.layer(MET1) != right.layer(MET1)
    if change is not shifted:
        assert digests(wrong)[1:] == digests(right)[1:]


def test_texts_and_shapes_that_are_no_boxes_count():
    right = made()
    label = made(lambda layout: shapes(layout, "top", LABEL).insert(kdb.Text("b", kdb.Trans(1, 2))))
    assert label.layer(LABEL) != right.layer(LABEL)
    corner = kdb.Polygon([kdb.Point(0, 0), kdb.Point(0, 9), kdb.Point(9, 9)])
    assert made(lambda layout: shapes(layout, "b", MET2).insert(corner)).layer(MET2) != right.layer(MET2)


def test_a_layer_with_nothing_on_it_is_as_one_that_is_not_there():
    assert made().layer((1, 2)) == ""
    assert made(lambda layout: layout.layer(1, 2)).layer((1, 2)) == ""
