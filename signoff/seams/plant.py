"""Copies of a die with faults at its seams: a check that does not find them proves nothing."""

__all__ = ["Planted", "plant"]

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import klayout.db as kdb

from rtl_gen.errors import FlowError
from signoff.seams.die import Die

Layer = tuple[int, int]
_FAULTY = "_faulty"  # ends the name of a tile's copy that has faults
_CUT = 2000  # nm of a strap that is taken away


@dataclass(frozen=True)
class Planted:
    """Two copies of a die with faults.

    Attributes:
        layout: A pin of a tile moved by a track, its strap cut at the seam, two wires of a seam joined, the
            labels of two ports exchanged.
        pins: Pins of the tile's copy, by its cell.
        moved: A tile mirrored, another moved by a track, and two of different kinds exchanged if there are.
        lvs, placement: What is wrong, and how the fault begins that the check should tell of it.
        supplies: What is wrong, and where, nm.
    """

    layout: kdb.Layout
    pins: Mapping[str, tuple[str, ...]]
    moved: kdb.Layout
    lvs: Mapping[str, str]
    placement: Mapping[str, str]
    supplies: Mapping[str, kdb.Box]


@dataclass(frozen=True)
class _Joint:
    """Two pins that meet at a seam: of which tiles, on which layer, and where, nm; `second` begins there."""

    net: str
    first: tuple[str, str]
    second: tuple[str, str]
    layer: str
    box: kdb.Box
    east: bool


def plant(
    layout: kdb.Layout,
    die: Die,
    drawn: Mapping[str, Layer],
    pins: Mapping[str, Layer],
    labels: Mapping[str, Layer],
    track: int,
) -> Planted:
    """Plant faults in copies of a layout.

    Args:
        layout: The die.
        die: What it should be.
        drawn, pins, labels: GDS layer and datatype of the wires, by name: drawing, pins and labels.
        track: By how much a pin is moved, nm.

    Raises:
        FlowError: The die has no seam.
    """
    joints = sorted(_joints(die), key=lambda j: (not j.east, j.second, j.box.left, j.box.bottom))
    if len(joints) < 4:
        raise FlowError(f"{len(joints)} pins meet at the seams, no place for faults", where=die.top)
    wrong = layout.dup()
    top = wrong.cell(die.top)
    joint = joints[0]
    name, pin = joint.second
    stand = die.stands[name]
    cell = wrong.cell(stand.cell)
    faulty = wrong.create_cell(stand.cell + _FAULTY)
    faulty.copy_shapes(cell)
    faulty.copy_instances(cell)
    inst = next(i for i in top.each_inst() if (i.trans.disp.x, i.trans.disp.y) == stand.at)
    inst.cell_index = faulty.cell_index()
    here = joint.box.moved(-stand.at[0], -stand.at[1])
    step = kdb.Vector(0, track) if joint.east else kdb.Vector(track, 0)
    for layer in (drawn[joint.layer], pins[joint.layer]):
        _take(faulty, wrong.layer(*layer), here)
        faulty.shapes(wrong.layer(*layer)).insert(here.moved(step))
    for text in list(faulty.shapes(wrong.layer(*labels[joint.layer])).each_touching(here)):
        if text.is_text() and text.text_string == pin:
            text.transform(kdb.Trans(step))
    supply, strap_layer, cut = _strap(die, joint)
    _take(faulty, wrong.layer(*drawn[strap_layer]), cut.moved(-stand.at[0], -stand.at[1]))
    one, other = _neighbours(joints)
    bridge = (one.box + other.box) & _around(other)
    top.shapes(wrong.layer(*drawn[other.layer])).insert(bridge)
    a, b = _exchange_labels(die, top, [wrong.layer(*layer) for layer in labels.values()])
    moved, told = _misplaced(layout, die, track)
    return Planted(
        wrong,
        {faulty.name: die.pins[stand.cell]},
        moved,
        {
            f"pin {name}.{pin} moved by a track": f"not joined: {_both(joint)}",
            f"{one.net} and {other.net} joined": "joined: "
            + ", ".join(sorted(_both(j).split(", ")[0] for j in (one, other))),
            f"labels of {a} and {b} exchanged": f"not joined: {'.'.join(die.nets[a][0])} and port {a}",
        },
        told,
        {f"strap of {supply} cut at the seam of {joint.first[0]} and {name}": cut},
    )


def _joints(die: Die) -> Iterator[_Joint]:
    for net, on in die.nets.items():
        if net in die.ports or len(on) != 2:
            continue
        placed = []
        for name, pin in on:
            layer, box = die.routed[die.stands[name].cell].ports[pin].shapes[0]
            placed.append(((name, pin), layer, box.moved(*die.stands[name].at)))
        for (a, layer, one), (b, on_layer, other) in (placed, placed[::-1]):
            if layer == on_layer and one.right == other.left and one.bottom == other.bottom:
                yield _Joint(net, a, b, layer, other, True)
            elif layer == on_layer and one.bottom == other.top and one.left == other.left:
                yield _Joint(net, a, b, layer, other, False)


def _neighbours(joints: list[_Joint]) -> tuple[_Joint, _Joint]:
    """The last two of one seam that lie beside each other."""
    of_seam = [j for j in joints if (j.first[0], j.second[0]) == (joints[-1].first[0], joints[-1].second[0])]
    pairs = list(itertools.pairwise(of_seam))
    return min(pairs, key=lambda p: (p[0].box + p[1].box).width() + (p[0].box + p[1].box).height())


def _around(joint: _Joint) -> kdb.Box:
    """A narrow stripe along the seam."""
    line = joint.box.left if joint.east else joint.box.top
    far = 10**9
    return (
        kdb.Box(line - 100, -far, line + 100, far)
        if joint.east
        else kdb.Box(-far, line - 100, far, line + 100)
    )


def _strap(die: Die, joint: _Joint) -> tuple[str, str, kdb.Box]:
    """A piece at the seam of a strap of the second tile: supply, layer, box."""
    stand = die.stands[joint.second[0]]
    line = joint.box.left if joint.east else joint.box.top
    for supply, wires in sorted(die.routed[stand.cell].supply_wires.items()):
        for layer, box in wires:
            here = box.moved(*stand.at)
            if joint.east and here.left == line and here.width() > here.height():
                return supply, layer, kdb.Box(line, here.bottom, line + _CUT, here.top)
            if not joint.east and here.top == line and here.height() > here.width():
                return supply, layer, kdb.Box(here.left, line - _CUT, here.right, line)
    raise FlowError(f"no strap reaches the seam of {joint.first[0]} and {joint.second[0]}", where=die.top)


def _take(cell: kdb.Cell, layer: int, box: kdb.Box) -> None:
    """Take what lies in a box away from a cell's own shapes, and from those of its vias."""
    while via := next(
        (i for i in cell.each_overlapping_inst(box) if i.cell.is_leaf() and i.bbox(layer).overlaps(box)), None
    ):
        via.flatten(-1)  # one at a time: references to instances do not outlive it
    shapes = cell.shapes(layer)
    touched = [s for s in shapes.each_touching(box) if not s.is_text()]
    rest = kdb.Region()
    for shape in touched:
        rest.insert(shape.polygon)
        shapes.erase(shape)
    shapes.insert(rest - kdb.Region(box))


def _exchange_labels(die: Die, top: kdb.Cell, layers: list[int]) -> tuple[str, str]:
    """Exchange the labels of two ports, of one bus if there is any."""
    texts = {s.text_string: s for layer in layers for s in top.shapes(layer).each(kdb.Shapes.STexts)}
    known = sorted((port for port in die.ports if port in texts), key=lambda p: ("[" not in p, p))
    a, b = known[:2]
    texts[a].text_string, texts[b].text_string = b, a
    return a, b


def _misplaced(layout: kdb.Layout, die: Die, track: int) -> tuple[kdb.Layout, dict[str, str]]:
    moved = layout.dup()
    top = moved.cell(die.top)
    by_place = {(i.trans.disp.x, i.trans.disp.y): i for i in top.each_inst()}
    insts = {name: by_place[stand.at] for name, stand in die.stands.items()}
    told = {}

    def missing(name: str) -> str:
        stand = die.stands[name]
        return f"{name}: 0 {stand.cell} at ({stand.at[0] / 1000:g}, {stand.at[1] / 1000:g}) um"

    names = sorted(insts)
    kinds = {die.stands[name].cell: name for name in reversed(names)}
    if len(kinds) > 1:
        a, b = sorted(kinds.values())[:2]
        insts[a].cell_index, insts[b].cell_index = insts[b].cell_index, insts[a].cell_index
        told[f"{a} and {b} exchanged"] = missing(a)
        names = [name for name in names if name not in (a, b)]
    if names:
        tile = insts[names[0]]
        tile.trans = tile.trans * kdb.Trans(kdb.Trans.M90, tile.bbox().width(), 0)
        told[f"{names[0]} mirrored"] = missing(names[0])
    if len(names) > 1:
        insts[names[1]].trans = kdb.Trans(0, track) * insts[names[1]].trans
        told[f"{names[1]} moved by a track"] = missing(names[1])
    return moved, told


def _both(joint: _Joint) -> str:
    return ", ".join(sorted((".".join(joint.first), ".".join(joint.second))))
