"""Every instance inside of a die's tiles against what should stand there, one by one."""

__all__ = ["Plan", "check_placement", "instances", "placement"]

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import klayout.db as kdb

from rtl_gen.errors import FlowError
from signoff.assembly.names import VIA
from signoff.assembly.routed import Place
from signoff.assembly.rows import rows
from signoff.result import CheckResult

NAME = "placement"


@dataclass(frozen=True)
class Plan:
    """What should stand where in a tile.

    Attributes:
        cell: Of the tile.
        cells: How often each cell and memory stands at each place, as its DEF tells it.
        vias: The same of the vias, without `VIA_` before their names.
        memories: Places of the memories, as the tile's floorplan tells them.
    """

    cell: str
    cells: Counter[Place]
    vias: Counter[Place]
    memories: Counter[Place]

    def instances(self) -> Counter[Place]:
        """What the tile should hold."""
        vias = {(f"{VIA}{name}", rot, x, y): n for (name, rot, x, y), n in self.vias.items()}
        return self.cells + Counter(vias)


def placement(layout: kdb.Layout, plans: Sequence[Plan], folder: Path) -> list[CheckResult]:
    """The rows `placement` and `placement_control`; reports go into the folder.

    Args:
        layout: The die.
        plans: One or more kinds of tile; faults are planted in the first.
        folder: For the reports.

    Raises:
        FlowError: The layout lacks a tile.
    """
    if missing := [plan.cell for plan in plans if layout.cell(plan.cell) is None]:
        raise FlowError(f"no cell {' or '.join(missing)} in the layout", hint="Stitch the die again.")
    faults = [fault for plan in plans for fault in check_placement(layout, plan)]
    cells, vias = (
        sum(of.total() for of in each) for each in ([p.cells for p in plans], [p.vias for p in plans])
    )
    good = (
        f"{cells} cells and memories and {vias} vias in {len(plans)} kinds of tile, each where the DEF has it"
    )
    wrong = layout.dup()
    planted = _plant(wrong, plans[0])
    found = set(check_placement(wrong, plans[0])) - set(faults)
    return rows(NAME, faults, good, planted, found, folder)


def check_placement(layout: kdb.Layout, plan: Plan) -> list[str]:
    """What stands elsewhere in a tile, twice, not at all, or should not be there."""
    memories = {name for name, *_ in plan.memories}
    placed = Counter({place: n for place, n in plan.cells.items() if place[0] in memories})
    faults = _differences(plan, "the DEF", "the floorplan", placed, plan.memories)
    found = instances(layout.cell(plan.cell))
    return faults + _differences(plan, "the layout", "the DEF", found, plan.instances())


def instances(cell: kdb.Cell) -> Counter[Place]:
    """What a cell holds and where; arrays are taken apart, and what is scaled or askew has no such place."""
    layout = cell.layout()
    names = {index: layout.cell(index).name for index in cell.each_child_cell()}
    found: Counter[Place] = Counter()
    for inst in cell.each_inst():
        trans, name = inst.trans, names[inst.cell_index]
        if inst.is_complex():
            name = f"{name} as {inst.cplx_trans}"
        x, y = trans.disp.x, trans.disp.y
        if inst.is_regular_array():
            steps = [inst.a * m + inst.b * n for m in range(max(inst.na, 1)) for n in range(max(inst.nb, 1))]
            found.update((name, trans.rot, x + step.x, y + step.y) for step in steps)
        else:
            found[name, trans.rot, x, y] += 1
    return found


def _plant(layout: kdb.Layout, plan: Plan) -> Mapping[str, str]:
    """Put faults into a tile, each where all is right; returns what the check should tell of each."""
    tile, wanted = layout.cell(plan.cell), plan.instances()
    right: dict[str, list[Place]] = defaultdict(list)
    for place, n in instances(tile).items():
        if n == wanted[place] == 1:
            right[place[0]].append(place)
    common = sorted(right, key=lambda name: (-len(right[name]), name))
    memories = [name for name in common if name in {memory for memory, *_ in plan.memories}]
    vias = [name for name in common if name.startswith(VIA)]
    cells = [name for name in common if name not in (*memories, *vias)]
    planted: dict[str, str] = {}
    for name in (*memories[:1], *vias[:1], *cells[:1]):
        place = right[name][len(right[name]) // 2]
        tile.insert(_instance(layout, place))
        planted[f"{name} placed twice"] = _told(plan, place, 2, 1)
    for name, (what, edit) in zip(cells[1:], _EDITS.items(), strict=False):
        place = right[name][len(right[name]) // 2]
        inst = next(i for i in tile.each_inst() if i.cell.name == name and _turn_and_origin(i) == place[1:])
        inst.trans = inst.trans * edit
        planted[f"{name} {what}"] = _told(plan, place, 0, 1)
    return planted


_EDITS: Mapping[str, kdb.Trans] = {"mirrored": kdb.Trans.M90, "moved by 5 nm": kdb.Trans(5, 0)}


def _turn_and_origin(inst: kdb.Instance) -> tuple[int, int, int]:
    return inst.trans.rot, inst.trans.disp.x, inst.trans.disp.y


def _differences(
    plan: Plan, one: str, other: str, found: Counter[Place], wanted: Counter[Place]
) -> list[str]:
    places = sorted((found - wanted) | (wanted - found), key=lambda p: (p[0].startswith(VIA), p))
    return [_told(plan, place, found[place], wanted[place], one, other) for place in places]


def _told(
    plan: Plan, place: Place, found: int, wanted: int, one: str = "the layout", other: str = "the DEF"
) -> str:
    name, rot, x, y = place
    turned = kdb.Trans(rot % 4, rot >= 4, 0, 0).to_s().split()[0]
    where = f"{name} at ({x / 1000:g}, {y / 1000:g}) um, {turned}, of {plan.cell}"
    return f"{where}: {found} in {one}, {wanted} in {other}"


def _instance(layout: kdb.Layout, place: Place) -> kdb.CellInstArray:
    name, rot, x, y = place
    return kdb.CellInstArray(layout.cell(name).cell_index(), kdb.Trans(rot % 4, rot >= 4, x, y))
