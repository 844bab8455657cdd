"""Design rules of a die whose tiles were looked at by themselves, with KLayout: without their insides.

A rule asks what lies within its reach. So a fault that is deeper in a tile than that is the tile's own, and
the same rules on the tile alone find it, as long as the die has that very tile, and nothing else of the die
lies in it: that is what the row `tile_insides` is for. What is left is a shell of every tile, and all that is
between them.
"""

__all__ = ["DEPTH", "REACH", "Shell", "hollow", "insides", "run"]

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import klayout.db as kdb
import klayout.rdb as rdb

from signoff import drc_klayout
from signoff.controls import control_of
from signoff.design_rules import rules_row
from signoff.eda import KLAYOUT
from signoff.gds import write_gds
from signoff.result import CheckResult
from signoff.violations import Fault, Violations
from signoff.waivers import Waiver

REACH = 10.0  # um: that of the rule that reaches furthest, of rdl; of the layers that a tile has, 3.3
DEPTH = 2 * REACH  # um of a tile that are left: all that a rule sees from as far inside as faults count
# Metal without a via: the one rule that asks about a whole wire, however far it goes.
_FLOATING = re.compile(r"^m\d\.x$")
_NAME = "tile_insides"

Layers = Mapping[str, tuple[int, int]]


@dataclass(frozen=True)
class Shell:
    """A die without what is deep inside of its tiles.

    Attributes:
        layout: The shell.
        top: Its top cell.
        tiles: Where tiles stand, um.
    """

    layout: kdb.Layout
    top: str
    tiles: Sequence[kdb.DBox]

    def judged(self, found: Violations) -> Violations:
        """The faults of a run on the shell that count, in coordinates of the die.

        Those wholly deeper in a tile than a rule reaches do not: they are of the cut, or in the tile's row.
        Nor does a wire without a via that was cut: by itself the tile has none but open inputs, and these are
        no longer than a pin.
        """
        places = cache(self._counting)
        counted = [at for fault in found.faults for at in self._counted(fault, places(fault.cell))]
        return Violations(counted, found.rules)

    @property
    def _inner(self) -> list[kdb.DBox]:
        return [tile.enlarged(-REACH, -REACH) for tile in self.tiles]

    def _counting(self, name: str) -> list[kdb.DCplxTrans]:
        """Where a cell stands, but for places at which nothing around it counts either."""
        cell = self.layout.cell(name)
        if cell is None or name == self.top:
            return [kdb.DCplxTrans()]
        around, inner = cell.dbbox().enlarged(REACH, REACH), self._inner
        return [
            at
            for at in _places(self.layout, self.top, cell)
            if not any(around.transformed(at).inside(tile) for tile in inner)
        ]

    def _counted(self, fault: Fault, places: Sequence[kdb.DCplxTrans]) -> Iterator[Fault]:
        """A fault of a cell at each place of the cell where it counts."""
        if math.isinf(fault.box[0]):  # nothing is drawn of it
            yield fault
            return
        inner = self._inner
        box, drawn = kdb.DBox(*fault.box), rdb.RdbItemValue.from_s(fault.place)
        for trans in places:
            at = box.transformed(trans)
            if any(at.inside(tile) for tile in inner):
                continue
            wire = drawn.polygon().transformed(trans) if drawn.is_polygon() else None
            if wire and _FLOATING.match(fault.rule) and self._is_cut(wire):
                continue
            left, bottom, right, top = (round(v, 6) for v in (at.left, at.bottom, at.right, at.top))
            told = str(rdb.RdbItemValue(wire)) if wire else f"{at} um"
            yield replace(fault, cell=self.top, box=(left, bottom, right, top), place=told)

    def _is_cut(self, wire: kdb.DPolygon) -> bool:
        """Whether a wire reaches what was left out of a tile."""
        dbu = self.layout.dbu
        out = kdb.Region()
        for box in map(_deep, self.tiles):
            out.insert(box.to_itype(dbu))  # of a small tile an empty one
        return not kdb.Region(wire.to_itype(dbu)).interacting(out).is_empty()


def hollow(die: kdb.Layout, top: str, tiles: Sequence[str]) -> Shell:
    """Leave out what is deeper in a tile than `DEPTH`.

    Args:
        die: Is not changed.
        top: Its top cell.
        tiles: Cells of the tiles, instances of the top cell.
    """
    layout = die.dup()
    cell = layout.cell(top)
    stand, rings = [], {}
    for name in tiles:
        tile = layout.cell(name)
        stand += [tile.dbbox().transformed(at) for at in _places(layout, top, tile)]
        rings[tile.cell_index()] = [
            ring.cell_index() for ring in layout.multi_clip(tile, _ring(tile.dbbox()))
        ]
    arrays = [inst.cell_inst.dup() for inst in cell.each_inst()]
    cell.clear_insts()
    for array in arrays:
        for index in rings.get(array.cell_index, [array.cell_index]):
            array.cell_index = index
            cell.insert(array)
    return Shell(layout, top, stand)


def _places(layout: kdb.Layout, top: str, cell: kdb.Cell) -> list[kdb.DCplxTrans]:
    found = layout.cell(top).begin_instances_rec()
    found.targets = [cell.cell_index()]
    places = []
    while not found.at_end():
        at = found.trans() * found.current_inst_element().specific_cplx_trans()
        places.append(kdb.CplxTrans(layout.dbu) * at * kdb.VCplxTrans(1 / layout.dbu))
        found.next()
    return places


def _deep(tile: kdb.DBox) -> kdb.DBox:
    """What is left out of a tile; empty in a small one."""
    return tile.enlarged(-DEPTH, -DEPTH)


def _ring(tile: kdb.DBox) -> list[kdb.DBox]:
    deep = _deep(tile)
    if deep.empty() or not deep.area():
        return [tile]
    return [
        kdb.DBox(tile.left, tile.bottom, tile.right, deep.bottom),
        kdb.DBox(tile.left, deep.top, tile.right, tile.top),
        kdb.DBox(tile.left, deep.bottom, deep.left, deep.top),
        kdb.DBox(deep.right, deep.bottom, tile.right, deep.top),
    ]


def insides(
    die: kdb.Layout, top: str, tiles: Mapping[str, kdb.Layout], outline: tuple[int, int]
) -> list[str]:
    """Why what is deep inside of a die's tiles is not what was looked at by itself; empty if it is.

    Args:
        die: The die.
        top: Its top cell.
        tiles: What was looked at, by cell.
        outline: Layer that has no rule, and lies over all of a die.
    """
    faults: list[str] = []
    boxes: list[kdb.Box] = []
    for name, known in tiles.items():
        tile, alone = die.cell(name), known.cell(name)
        if tile is None or alone is None:
            faults.append(f"no cell {name}")
        elif not kdb.LayoutDiff().compare(tile, alone, kdb.LayoutDiff.Silent):
            faults.append(f"{name} is another than the tile by itself")
    cell = die.cell(top)
    for inst in cell.each_inst():
        box = inst.bbox()
        if any(box.overlaps(other) for other in boxes) or (inst.cell.name not in tiles):
            faults.append(f"{inst.cell.name} at {inst.dbbox()} um is no tile, or lies in one")
        boxes.append(box)
    within = kdb.Region()
    for box in boxes:
        within.insert(box)
    for index in die.layer_indexes():
        info = die.get_info(index)
        drawn = kdb.Region(cell.shapes(index)) & within
        if (info.layer, info.datatype) != outline and not drawn.is_empty():
            faults.append(f"{info} of the die lies in a tile")
    return faults


def run(
    layout: Path,
    top: str,
    tiles: Mapping[str, Path],
    deck: Path,
    workdir: Path,
    *,
    layers: Layers,
    waivers: Sequence[Waiver] = (),
    timeout: float = 3600,
) -> list[CheckResult]:
    """Check a die of tiles that are checked by themselves.

    Args:
        layout: GDS of the die.
        top: Its top cell.
        tiles: GDS of each tile by its cell, as the same deck looks at it in a row of its own.
        deck: Of KLayout.
        workdir: For all files; made if missing.
        layers: GDS layer and datatype by name.
        waivers: Of this and other checks.
        timeout: Seconds for each run.

    Returns:
        The rows `drc_klayout`, `tile_insides` and `tile_insides_control`.

    Raises:
        FlowError: A run cannot be trusted.
    """
    name, control = drc_klayout.RULES.name, f"{_NAME}_control"
    if missing := KLAYOUT.missing(name):
        return [
            missing,
            *(CheckResult.not_run(row, missing.reason, KLAYOUT.name) for row in (_NAME, control)),
        ]
    die, known = _read(layout), {cell: _read(path) for cell, path in tiles.items()}
    found = _find(hollow(die, top, list(tiles)), deck, workdir, timeout)
    good = f"all rule groups on {top}, {DEPTH:g} um into each tile; deeper, each tile has a row of its own"
    return [
        rules_row(name, KLAYOUT, top, found, good, waivers),
        inside := _inside(insides(die, top, known, layers["prBoundary"]), len(tiles)),
        _control(inside, die, top, known, deck, workdir / "control", layers, timeout),
    ]


def _read(path: Path) -> kdb.Layout:
    layout = kdb.Layout()
    layout.read(str(path))
    return layout


def _find(shell: Shell, deck: Path, workdir: Path, timeout: float) -> Violations:
    workdir.mkdir(parents=True, exist_ok=True)
    write_gds(shell.layout, gds := workdir / "shell.gds", shell.top)
    shell = replace(shell, layout=_read(gds))  # cells have the names that the report knows them by
    return shell.judged(drc_klayout.find(drc_klayout.RULES.name, gds, shell.top, deck, workdir, timeout))


def _inside(faults: Sequence[str], kinds: int) -> CheckResult:
    detail = (
        "; ".join(faults)
        or f"{kinds} kinds of tile are those of their own rows, and nothing else lies in one"
    )
    status = "fail" if faults else "pass"
    return CheckResult(_NAME, KLAYOUT.name, KLAYOUT.version(), len(faults), 0, status, "", detail)


def _control(
    row: CheckResult, die: kdb.Layout, top: str, known: Mapping[str, kdb.Layout], deck: Path, workdir: Path,
    layers: Layers, timeout: float,
) -> CheckResult:  # fmt: skip
    """Plant met1 in a tile and over it, and errors across the seam of a small die: all must be found."""
    kind = next(iter(known))
    outline = layers["prBoundary"]
    tile = die.cell(kind)
    spot = kdb.Box(-500, -500, 500, 500).moved(tile.bbox().center() - kdb.Point())
    lost = []
    for where, cell in ((f"met1 in {kind}", kind), (f"met1 over {kind}", top)):
        planted = die.dup()
        at = spot if cell == kind else spot.transformed(next(_of(planted.cell(top), kind)).trans)
        planted.cell(cell).shapes(planted.layer(*layers["met1"])).insert(at)
        if set(insides(planted, top, known, outline)) <= set(insides(die, top, known, outline)):
            lost.append(where)
    small = _small(layers)
    rules = _find(hollow(small, "die", ["tile"]), deck, workdir, timeout).counts
    for what, rule in _ACROSS.items():
        if not any(re.search(rule, found) for found in rules):
            lost.append(what)
    planted_all = f"met1 in {kind} and over it; across a seam {', '.join(_ACROSS)}"
    told = control_of(row, planted_all, not lost)
    return replace(told, reason=f"not found: {', '.join(lost)}", count=len(lost)) if lost else told


def _of(cell: kdb.Cell, kind: str) -> Iterator[kdb.Instance]:
    return (inst for inst in cell.each_inst() if inst.cell.name == kind)


# What `_small` has, and the rule that finds it
_ACROSS = {"met1 0.10 um apart": r"met1\.SP\.1", "met2 without a via": r"^m2\.x"}


def _small(layers: Layers) -> kdb.Layout:
    """Two tiles side by side, each clean by itself but for an open input; across their seam they are not."""
    layout = kdb.Layout()
    tile, die = layout.create_cell("tile"), layout.create_cell("die")
    for layer, box in (
        ("prBoundary", kdb.Box(0, 0, 100_000, 100_000)),
        ("met1", kdb.Box(50, 50_000, 600, 50_600)),
        ("met1", kdb.Box(99_400, 50_000, 99_950, 50_600)),
        ("met2", kdb.Box(0, 40_000, 600, 40_600)),
        ("met2", kdb.Box(99_400, 40_000, 100_000, 40_600)),
    ):
        tile.shapes(layout.layer(*layers[layer])).insert(box)
    for x in (0, 100_000):
        die.insert(kdb.CellInstArray(tile.cell_index(), kdb.Trans(x, 0)))
    return layout
