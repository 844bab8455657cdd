"""Prove that a model changes nothing of its base but the program layers."""

__all__ = [
    "Chip", "Sites", "changes", "check_hashes", "check_legal_sites", "check_xor", "hashes", "invariance",
]  # fmt: skip

import hashlib
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import klayout.db as kdb
import numpy as np

from signoff.readback.shapes import KLAYOUT, Drawn, boxes, drawn, flat, minus
from signoff.result import CheckResult
from signoff.structure import Known, Structure

Layer = tuple[int, int]
MET1 = (68, 20)
SHOWN = 5  # faults named in a result


@dataclass(frozen=True, eq=False)
class Sites:
    """Where a program layer may have shapes.

    Attributes:
        layer: GDS layer and datatype.
        centres: int64 [n, 2], nm, chip coordinates.
        size: Side of the square at a site, nm.
    """

    layer: Layer
    centres: np.ndarray
    size: int

    def boxes(self) -> np.ndarray:
        """The squares, int64 [n, 4], nm."""
        low = self.centres - self.size // 2
        return np.concatenate([low, low + self.size], axis=1)


class Chip:
    """A layout, with what was once computed of its layers; `known` is what its structure told before."""

    def __init__(self, layout: kdb.Layout, known: Known | None = None) -> None:
        self.layout = layout
        self.structure = Structure(layout, known)
        self._drawn: dict[Layer, str] = {}
        self._shapes: dict[Layer, Drawn] = {}
        self._taken: dict[Sites, np.ndarray] = {}

    def layers(self) -> list[Layer]:
        """Layers that hold anything, sorted."""
        top, infos = self.layout.top_cell(), self.layout.layer_infos()
        found = [(i.layer, i.datatype) for i in infos]
        return sorted(a for a in found if not top.begin_shapes_rec(self.layout.find_layer(*a)).at_end())

    def flat(self, layer: Layer) -> kdb.Region:
        return flat(self.layout, self.layout.top_cell(), layer)

    def drawn(self, layer: Layer) -> str:
        """SHA-256 of a layer as it is drawn.

        Equal ones have equal geometry; different ones may yet cover the same area.
        """
        if layer not in self._drawn:
            self._drawn[layer] = self.structure.layer(layer)
        return self._drawn[layer]

    def texts(self, layer: Layer) -> list[str]:
        """Texts of a layer with their places, sorted."""
        index = self.layout.find_layer(*layer)
        if index is None or not any(_has_text(cell.shapes(index)) for cell in self.layout.each_cell()):
            return []
        found = self.layout.top_cell().begin_shapes_rec(index)
        found.shape_flags = kdb.Shapes.STexts
        return sorted(map(str, kdb.Texts(found).each()))

    def shapes(self, layer: Layer) -> Drawn:
        """Shapes of a layer, without hierarchy."""
        if layer not in self._shapes:
            self._shapes[layer] = drawn(self.layout, self.layout.top_cell(), layer)
        return self._shapes[layer]

    def around(self, layer: Layer, where: kdb.Region) -> kdb.Region:
        """Shapes of a layer that overlap some places."""
        index = self.layout.find_layer(*layer)
        if index is None:
            return kdb.Region()
        return kdb.Region(kdb.RecursiveShapeIterator(self.layout, self.layout.top_cell(), index, where, True))

    def taken(self, sites: Sites) -> np.ndarray:
        """Shapes on the program layer that overlap or touch a legal site, int64 [n, 4], nm."""
        if sites not in self._taken:
            old = self.shapes(sites.layer)
            self._taken[sites] = _touching(np.concatenate([old.rectangles, boxes(old.others)]), sites)
        return self._taken[sites]

    def edited(self, layer: Layer, *squares: kdb.Box) -> "Chip":
        """A copy with more squares on a layer."""
        copy = self._copy(layer)
        for square in squares:
            copy.layout.top_cell().shapes(copy.layout.layer(*layer)).insert(square)
        return copy

    def without(self, layer: Layer, square: kdb.Box) -> "Chip":
        """A copy without one shape of a layer, wherever in the hierarchy that is drawn."""
        kept = kdb.Shapes()
        kept.insert(self.flat(layer))
        for shape in kept.each_touching(square):
            if shape.polygon.is_box() and shape.bbox() == square:
                kept.erase(shape)
                break
        copy = self._copy(layer)
        index = copy.layout.layer(*layer)
        copy.layout.clear_layer(index)
        copy.layout.top_cell().shapes(index).insert(kept)
        return copy

    def _copy(self, layer: Layer) -> "Chip":
        """A copy whose shapes on a layer are going to be changed."""
        copy = Chip(self.layout.dup())
        copy.structure = self.structure.of_copy(copy.layout)
        copy._drawn = {k: v for k, v in self._drawn.items() if k != layer}
        copy._shapes = {k: v for k, v in self._shapes.items() if k != layer}
        return copy


def hashes(
    base: Chip, chip: Chip, program_layers: Collection[Layer]
) -> tuple[dict[Layer, str], dict[Layer, str]]:
    """For base and chip, a hash of every layer that is not a program layer, SHA-256.

    Equal ones have the same texts and cover the same area, however that is cut into shapes and cells: a layer
    of the chip that is drawn otherwise, and yet is the same, has the base's.
    """
    mine, its = (
        {c: side.drawn(c) for c in side.layers() if c not in program_layers} for side in (base, chip)
    )
    for layer in mine.keys() & its.keys():
        if mine[layer] != its[layer] and not changes(base, chip, layer):
            its[layer] = mine[layer]
    return mine, its


def changes(a: Chip, b: Chip, layer: Layer) -> int:
    """Polygons by which two chips differ on a layer, and a further one if its texts do."""
    if a.drawn(layer) == b.drawn(layer):
        return 0
    where = a.structure.apart(b.structure, layer)
    covered = kdb.Region() if where.is_empty() else a.around(layer, where) ^ b.around(layer, where)
    # Where one of them has nothing, KLayout hands on the other's shapes as they are drawn.
    return int(covered.merged().count()) + (a.texts(layer) != b.texts(layer))


def invariance(
    base: kdb.Layout,
    chip: kdb.Layout,
    other: kdb.Layout,
    sites: Sites,
    report: Path,
    *,
    controls: bool = True,
    known: Known | None = None,
) -> list[CheckResult]:
    """Run all checks of base invariance, each followed by its negative control.

    Args:
        base: The base chip.
        chip: The base with a model.
        other: The base with another model.
        sites: Legal sites of the program layer.
        report: JSON to write: of two pairs of these, both hashes of each layer but the program layer.
        controls: Whether to run the negative controls.
        known: Digests of the base (`Structure.told`), if they were computed before.

    Returns:
        One result a check: `base_hashes`, `model_xor` and `legal_sites`, and `..._control` of each.
    """
    a, b, c, program = Chip(base, known), Chip(chip), Chip(other), (sites.layer,)
    results = [check_hashes(*hashes(a, b, program))]
    if controls:
        planted = _with_extra_met1(b)
        found = check_hashes(*hashes(a, planted, program))
        results.append(_control("base_hashes", [found]))
    results.append(check_xor(b, c, program))
    if controls:
        results.append(_control("model_xor", [check_xor(planted, c, program), check_xor(b, b, program)]))
    results.append(check_legal_sites(a, b, sites))
    if controls:
        found_vias = [check_legal_sites(a, wrong, sites) for wrong in _with_wrong_vias(a, b, sites)]
        results.append(_control("legal_sites", found_vias))
    pairs = {"base and chip": (a, b), "chip and other": (b, c)}
    told = {name: _told(*hashes(*pair, program)) for name, pair in pairs.items()}
    report.write_text(json.dumps(told, indent=1))
    return results


def _told(left: dict[Layer, str], right: dict[Layer, str]) -> dict[str, list[str | None]]:
    layers = sorted(left.keys() | right.keys())
    return {_names([layer]): [left.get(layer), right.get(layer)] for layer in layers}


def check_hashes(base: dict[Layer, str], chip: dict[Layer, str]) -> CheckResult:
    """Compare the hashes of base and chip, layer by layer."""
    differ = sorted(layer for layer in base.keys() | chip.keys() if base.get(layer) != chip.get(layer))
    good = f"{len(base)} layers outside the program layers are equal: {_digest(base)}"
    return _result("base_hashes", len(differ), "differ: " + _names(differ) if differ else good)


def check_xor(a: Chip, b: Chip, program_layers: Collection[Layer]) -> CheckResult:
    """XOR two chips: nothing outside the program layers, something on each of them."""
    faults, seen = [], []
    for layer in sorted({*a.layers(), *b.layers(), *program_layers}):
        if layer not in program_layers:
            if count := changes(a, b, layer):
                faults.append(f"{count} differences on {_names([layer])}")
            continue
        one, two = (c.shapes(layer).rectangles for c in (a, b))
        if count := len(minus(one, two)) + len(minus(two, one)):
            seen.append(f"{count} shapes of {_names([layer])}")
        else:
            faults.append(f"no difference on {_names([layer])}")
    good = f"two models differ in {', '.join(seen)} and in nothing else"
    return _result("model_xor", len(faults), "; ".join(faults[:SHOWN]) or good)


def check_legal_sites(base: Chip, chip: Chip, sites: Sites) -> CheckResult:
    """Check that what a chip adds on the program layer are squares at legal sites, one at most at each.

    The base's own shapes on that layer, such as vias of its wires, must be unchanged, and none may touch a
    legal site, where it would be a bit that no model can clear.
    """
    old, new = base.shapes(sites.layer), chip.shapes(sites.layer)
    missing = minus(old.rectangles, new.rectangles)
    added = minus(new.rectangles, old.rectangles)
    rest = boxes(new.others ^ old.others)
    illegal = minus(added, sites.boxes())
    taken = base.taken(sites)
    texts = len(set(old.texts) ^ set(new.texts))
    faults = [
        *_spots("the base's own shape is at a legal site", taken),
        *_spots("the base's own shape is missing", missing),
        *_spots("not a square at a legal site, or a second one there", illegal),
        *_spots("not a rectangle", rest),
        *(["labels differ"] if texts else []),
    ]
    count = len(taken) + len(missing) + len(illegal) + len(rest) + texts
    good = (
        f"{len(added)} squares of {sites.size} nm, each at its own one of {len(sites.centres)} legal sites;"
        f" {len(old.rectangles)} shapes of the base unchanged"
    )
    return _result("legal_sites", count, "; ".join(faults[:SHOWN]) or good)


def _touching(shapes: np.ndarray, sites: Sites) -> np.ndarray:
    """Rows of `shapes` that overlap or touch the square of a site."""
    x, y = sites.boxes()[:, :2].T
    if not len(x) or not len(shapes):
        return shapes[:0]
    # A lower left corner from `low` to `high` is that of a square that touches.
    low, high = shapes[:, :2] - sites.size, shapes[:, 2:]
    columns, column = np.unique(x, return_inverse=True)
    first = np.searchsorted(columns, low[:, 0])
    count = np.searchsorted(columns, high[:, 0], side="right") - first
    shape = np.repeat(np.arange(len(shapes)), count)
    at = np.arange(len(shape)) - np.repeat(np.cumsum(count) - count, count) + first[shape]
    # Heights of one column after those of the one before: all corners are one ascending row.
    bottom, step = y.min(), np.ptp(y) + 2
    corners = np.sort(column * step + y - bottom)
    begin, end = (
        np.searchsorted(corners, at * step + (limit[shape] - bottom).clip(0, step - 1))
        for limit in (low[:, 1], high[:, 1] + 1)
    )
    touched = np.zeros(len(shapes), bool)
    touched[shape[begin < end]] = True
    return shapes[touched]


def _has_text(shapes: kdb.Shapes) -> bool:
    return next(shapes.each(kdb.Shapes.STexts), None) is not None


# -- negative controls -----------------------------------------------------------------


def _with_extra_met1(chip: Chip) -> Chip:
    """A copy with a square of 5 nm, the smallest there can be, on met1 where there is nothing yet."""
    corner = chip.layout.top_cell().bbox(chip.layout.layer(*MET1))
    return chip.edited(MET1, kdb.Box(0, 0, 5, 5).moved(corner.right + 1000, corner.top + 1000))


def _with_wrong_vias(base: Chip, chip: Chip, sites: Sites) -> Iterator[Chip]:
    """Copies with wrong vias.

    One 5 nm beside its site, one 10 nm too large, and two at one site; one of the base's own too few, and one
    more 1 um beside it.
    """
    half = sites.size // 2
    x, y = (int(a) - half for a in sites.centres[len(sites.centres) // 2])
    good = kdb.Box(0, 0, sites.size, sites.size).moved(x, y)
    for wrong in ([good.moved(5, 0)], [good.enlarged(5, 5)], [good, good]):
        yield chip.edited(sites.layer, *wrong)
    own = base.shapes(sites.layer).rectangles
    if len(own):
        via = kdb.Box(*own[len(own) // 2].tolist())
        yield chip.without(sites.layer, via)
        yield chip.edited(sites.layer, via.moved(1000, 0))


def _control(name: str, results: list[CheckResult]) -> CheckResult:
    """Passes if the check failed on each of the planted faults."""
    missed = sum(r.status != "fail" for r in results)
    return _result(
        f"{name}_control", missed, f"{len(results) - missed} of {len(results)} planted faults found"
    )


def _result(name: str, count: int, detail: str) -> CheckResult:
    status = "fail" if count else "pass"
    return CheckResult(name, "klayout.db", KLAYOUT, count, 0, status, "", detail)


def _names(layers: Collection[Layer]) -> str:
    return ", ".join(f"{a}/{b}" for a, b in layers)


def _digest(hashes: dict[Layer, str]) -> str:
    """One hash for all layers."""
    text = "".join(f"{a}/{b} {h}\n" for (a, b), h in sorted(hashes.items()))
    return hashlib.sha256(text.encode()).hexdigest()


def _spots(what: str, found: np.ndarray) -> list[str]:
    return [
        f"{what}: ({a / 1000:g}, {b / 1000:g}) to ({c / 1000:g}, {d / 1000:g}) um"
        for a, b, c, d in found[:SHOWN]
    ]
