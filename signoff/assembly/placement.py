"""Every instance of a layout against what should stand there, one by one."""

__all__ = ["VIA", "Names", "Plan", "check_placement", "instances", "placement"]

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import klayout.db as kdb

from rtl_gen.errors import FlowError
from signoff.assembly.routed import Place
from signoff.assembly.rows import rows
from signoff.result import CheckResult

NAME = "placement"
VIA = "VIA_"  # KLayout's reader puts it before the names of a DEF's vias
_HERE = (kdb.Trans.R0.rot, 0, 0)


class Names(NamedTuple):
    """Cells that are a chip's own: the top cell, which holds base and metal config, and these two."""

    chip: str
    base: str
    metal: str


@dataclass(frozen=True)
class Plan:
    """What should stand where.

    Attributes:
        names: The chip's own cells; base and metal config are both at the origin.
        cells: How often each cell and bank stands at each place of the base.
        vias: The same of the vias, without `VIA_` before their names.
        banks: Places of the banks, as the base config tells them.
    """

    names: Names
    cells: Counter[Place]
    vias: Counter[Place]
    banks: Counter[Place]

    def instances(self) -> dict[str, Counter[Place]]:
        """What chip and base should hold."""
        vias = Counter({(f"{VIA}{name}", rot, x, y): n for (name, rot, x, y), n in self.vias.items()})
        whole = Counter([(self.names.base, *_HERE), (self.names.metal, *_HERE)])
        return {self.names.chip: whole, self.names.base: self.cells + vias}


def placement(layout: kdb.Layout, plan: Plan, folder: Path) -> list[CheckResult]:
    """The rows `placement` and `placement_control`; reports go into the folder.

    Raises:
        FlowError: The layout lacks one of the chip's own cells.
    """
    if missing := [name for name in plan.names if layout.cell(name) is None]:
        raise FlowError(f"no cell {' or '.join(missing)} in the layout", hint="Build the chip again.")
    faults = check_placement(layout, plan)
    good = f"{plan.cells.total()} cells and banks and {plan.vias.total()} vias, each where the DEF has it"
    wrong = layout.dup()
    planted = _plant(wrong, plan)
    found = set(check_placement(wrong, plan)) - set(faults)
    return rows(NAME, faults, good, planted, found, folder)


def check_placement(layout: kdb.Layout, plan: Plan) -> list[str]:
    """What stands elsewhere, twice, not at all, or should not be there."""
    banks = {name for name, *_ in plan.banks}
    placed = Counter({place: n for place, n in plan.cells.items() if place[0] in banks})
    faults = _differences("the DEF", "the base config", placed, plan.banks)
    if layout.top_cell().name != plan.names.chip:
        faults.append(f"the top cell is {layout.top_cell().name}, expected {plan.names.chip}")
    for name, wanted in plan.instances().items():
        faults += _differences("the layout", "the DEF", instances(layout.cell(name)), wanted)
    return faults


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
    """Put faults into a layout, each where all is right; returns what the check should tell of each."""
    base, wanted = layout.cell(plan.names.base), plan.instances()[plan.names.base]
    right: dict[str, list[Place]] = defaultdict(list)
    for place, n in instances(base).items():
        if n == wanted[place] == 1:
            right[place[0]].append(place)
    common = sorted(right, key=lambda name: (-len(right[name]), name))
    banks = [name for name in common if name in {bank for bank, *_ in plan.banks}]
    vias = [name for name in common if name.startswith(VIA)]
    cells = [name for name in common if name not in (*banks, *vias)]
    planted: dict[str, str] = {}
    for name in (*banks[:1], *vias[:1], *cells[:1]):
        place = right[name][len(right[name]) // 2]
        base.insert(_instance(layout, place))
        planted[f"{name} placed twice"] = _told(place, 2, 1)
    for name, (what, edit) in zip(cells[1:], _EDITS.items(), strict=False):
        place = right[name][len(right[name]) // 2]
        inst = next(i for i in base.each_inst() if i.cell.name == name and _turn_and_origin(i) == place[1:])
        inst.trans = inst.trans * edit
        planted[f"{name} {what}"] = _told(place, 0, 1)
    layout.cell(plan.names.chip).insert(_instance(layout, (plan.names.base, *_HERE)))
    planted["the base placed twice"] = _told((plan.names.base, *_HERE), 2, 1)
    return planted


_EDITS: Mapping[str, kdb.Trans] = {"mirrored": kdb.Trans.M90, "moved by 5 nm": kdb.Trans(5, 0)}


def _turn_and_origin(inst: kdb.Instance) -> tuple[int, int, int]:
    return inst.trans.rot, inst.trans.disp.x, inst.trans.disp.y


def _differences(one: str, other: str, found: Counter[Place], wanted: Counter[Place]) -> list[str]:
    places = sorted((found - wanted) | (wanted - found), key=lambda p: (p[0].startswith(VIA), p))
    return [_told(place, found[place], wanted[place], one, other) for place in places]


def _told(place: Place, found: int, wanted: int, one: str = "the layout", other: str = "the DEF") -> str:
    name, rot, x, y = place
    turned = kdb.Trans(rot % 4, rot >= 4, 0, 0).to_s().split()[0]
    where = f"{name} at ({x / 1000:g}, {y / 1000:g}) um, {turned}"
    return f"{where}: {found} in {one}, {wanted} in {other}"


def _instance(layout: kdb.Layout, place: Place) -> kdb.CellInstArray:
    name, rot, x, y = place
    return kdb.CellInstArray(layout.cell(name).cell_index(), kdb.Trans(rot % 4, rot >= 4, x, y))
