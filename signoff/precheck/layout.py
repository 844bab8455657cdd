"""Boundary, pins, labels, names and grid of a chip, as a shuttle's precheck looks at them."""

__all__ = ["Chip", "check_chip"]

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import klayout.db as kdb

from signoff.assembly.routed import Port
from signoff.assembly.rows import rows
from signoff.result import CheckResult

Layer = tuple[int, int]
_FORBIDDEN = "#/"  # in names of cells
_OTHER = "chip_of_another"


@dataclass(frozen=True)
class Chip:
    """What is looked at.

    Attributes:
        layout: The chip, editable.
        top: What its top cell is to be called.
        base: Cell of the stitched die, which has pins, labels and boundary.
        die: Width and height, nm.
        ports: Of the LEF, by name.
        directions: Of the netlist's ports, by name; supplies are not among them.
        wires: Layer of the drawing purpose by name; `pins` and `labels`: of those purposes.
        boundary: Layer of the boundary.
        grid: Manufacturing grid, nm.
    """

    layout: kdb.Layout
    top: str
    base: str
    die: tuple[int, int]
    ports: Mapping[str, Port]
    directions: Mapping[str, str]
    wires: Mapping[str, Layer]
    pins: Mapping[str, Layer]
    labels: Mapping[str, Layer]
    boundary: Layer
    grid: int

    def cell(self) -> kdb.Cell:
        return self.layout.cell(self.base)

    def region(self, layer: Layer) -> kdb.Region:
        """Shapes of the base's own on a layer, without those of its cells."""
        return kdb.Region(self.cell().shapes(self.layout.layer(*layer)))


def check_chip(make: Callable[[], Chip], folder: Path) -> list[CheckResult]:
    """Every check and its control.

    Args:
        make: Reads the chip; called once for each control, which plants faults in it.
        folder: For the reports.
    """
    out = []
    chip = make()
    for name, (look, good, plants) in _CHECKS.items():
        faults = list(look(chip))
        planted, found = {}, []
        for what, (plant, told) in plants.items():
            copy = make()
            plant(copy)
            planted[what] = told
            found += [fault for fault in look(copy) if fault not in faults]
        out += rows(name, faults, good, planted, found, folder)
    return out


def _names(chip: Chip) -> Iterator[str]:
    tops = [cell.name for cell in chip.layout.top_cells()]
    if tops != [chip.top]:
        yield f"top cells are {', '.join(tops)}, expected {chip.top}"
    for cell in chip.layout.each_cell():
        if any(c in cell.name for c in _FORBIDDEN):
            yield f"cell {cell.name} has one of {' '.join(_FORBIDDEN)} in its name"


def _boundary(chip: Chip) -> Iterator[str]:
    found = chip.region(chip.boundary)
    die = kdb.Box(0, 0, *chip.die)
    if found.count() != 1 or found.bbox() != die or not found.is_box():
        yield f"the boundary of {chip.base} is {found.bbox()} nm in {found.count()} shapes, the die {die}"
    for info in chip.layout.layer_infos():
        for top in chip.layout.top_cells():
            box = top.bbox_per_layer(chip.layout.layer(info))
            if not box.empty() and not box.inside(die):
                yield f"layer {info} reaches {box} nm, beyond the die"


def _pins(chip: Chip) -> Iterator[str]:
    supplies = {name for name, port in chip.ports.items() if port.use in ("POWER", "GROUND")}
    signals = {name: port.direction for name, port in chip.ports.items() if name not in supplies}
    wanted = {name: way.upper() for name, way in chip.directions.items()}
    for name in sorted({*signals, *wanted}):
        if signals.get(name) != wanted.get(name):
            way, other = (ways.get(name, "missing") for ways in (signals, wanted))
            yield f"pin {name} is {way} in the LEF, {other} in the netlist"
    if {chip.ports[name].use for name in supplies} != {"POWER", "GROUND"}:
        yield f"supplies are {', '.join(sorted(supplies)) or 'missing'}, expected power and ground"
    for name, port in chip.ports.items():
        if port.use not in ("POWER", "GROUND", "SIGNAL", "CLOCK"):
            yield f"pin {name} has the use {port.use}"
    for layer, purpose in chip.pins.items():
        drawn, metal = chip.region(purpose), chip.region(chip.wires[layer])
        told = kdb.Region()
        for name, port in chip.ports.items():
            for box in (box for on, box in port.shapes if on == layer):
                told.insert(box)
                if not (kdb.Region(box) - drawn).is_empty():
                    yield f"pin {name} on {layer} at {box} nm is not drawn as a pin"
                if not (kdb.Region(box) - metal).is_empty():
                    yield f"pin {name} on {layer} at {box} nm lies on no metal"
        for extra in (drawn - told).each_merged():
            yield f"a pin on {layer} at {extra.bbox()} nm is no port"


def _labels(chip: Chip) -> Iterator[str]:
    seen: dict[str, int] = dict.fromkeys(chip.ports, 0)
    for layer, purpose in chip.labels.items():
        shapes = chip.cell().shapes(chip.layout.layer(*purpose))
        for text in [shape.text for shape in shapes.each() if shape.is_text()]:
            where = f"label {text.string} on {layer} at ({text.x}, {text.y}) nm"
            port = chip.ports.get(text.string)
            if port is None:
                yield f"{where} names no port"
                continue
            seen[text.string] += 1
            if not any(on == layer and box.contains(text.x, text.y) for on, box in port.shapes):
                yield f"{where} lies on no pin of that name"
    for name, count in seen.items():
        if not count:
            yield f"port {name} has no label"


def _grid(chip: Chip) -> Iterator[str]:
    for cell in chip.layout.each_cell():
        for index in chip.layout.layer_indexes():
            off = sum(1 for shape in cell.shapes(index).each() if any(v % chip.grid for v in _numbers(shape)))
            if off:
                layer = chip.layout.get_info(index)
                yield f"{off} shapes of {cell.name} on {layer} are off the {chip.grid} nm grid"
        moved = sum(1 for i in cell.each_inst() if i.trans.disp.x % chip.grid or i.trans.disp.y % chip.grid)
        if moved:
            yield f"{moved} instances in {cell.name} are off the {chip.grid} nm grid"


def _numbers(shape: kdb.Shape) -> Sequence[int]:
    """Coordinates of a shape's corners; none of a text, which is on no mask."""
    if shape.is_text():
        return ()
    if shape.is_box():
        return shape.box.left, shape.box.bottom, shape.box.right, shape.box.top
    polygon = shape.polygon
    hulls = [polygon.each_point_hull(), *(polygon.each_point_hole(n) for n in range(polygon.holes()))]
    return [v for points in hulls for p in points for v in (p.x, p.y)]


# -- what controls plant ------------------------------------------------------------------------------


def _second_top(chip: Chip) -> None:
    chip.layout.create_cell("left_over")


def _renamed(chip: Chip) -> None:
    chip.layout.rename_cell(chip.layout.top_cells()[0].cell_index(), _OTHER)


def _odd_name(chip: Chip) -> None:
    chip.layout.rename_cell(next(chip.cell().each_inst()).cell_index, "cell#1")


def _no_boundary(chip: Chip) -> None:
    chip.cell().clear(chip.layout.layer(*chip.boundary))


def _beyond(chip: Chip) -> None:
    width, height = chip.die
    layer = next(iter(chip.wires.values()))
    chip.cell().shapes(chip.layout.layer(*layer)).insert(kdb.Box(width - 500, 0, width + 5, height // 2))


def _first_pin(chip: Chip) -> tuple[str, kdb.Box]:
    """Layer and box of a pin of a signal."""
    port = next(p for p in chip.ports.values() if p.use not in ("POWER", "GROUND") and p.shapes)
    return port.shapes[0]


def _erased(chip: Chip) -> None:
    layer, box = _first_pin(chip)
    metal = chip.region(chip.wires[layer]) - kdb.Region(box)
    index = chip.layout.layer(*chip.wires[layer])
    chip.cell().clear(index)
    chip.cell().shapes(index).insert(metal)


def _unasked_pin(chip: Chip) -> None:
    layer, box = _first_pin(chip)
    far = box.moved(chip.die[0] // 2 - box.left, chip.die[1] // 2 - box.bottom)
    chip.cell().shapes(chip.layout.layer(*chip.pins[layer])).insert(far)


def _relabelled(chip: Chip, change: Callable[[kdb.Text], kdb.Text]) -> None:
    for purpose in chip.labels.values():
        shapes = chip.cell().shapes(chip.layout.layer(*purpose))
        for shape in [s for s in shapes.each() if s.is_text()][:1]:
            shape.text = change(shape.text)
            return


def _shifted_shape(chip: Chip) -> None:
    layer = next(iter(chip.wires.values()))
    chip.cell().shapes(chip.layout.layer(*layer)).insert(kdb.Box(1001, 1000, 2001, 2000))


def _shifted_cell(chip: Chip) -> None:
    instance = next(chip.cell().each_inst())
    instance.transform(kdb.Trans(1, 0))


_CHECKS: Mapping[str, tuple] = {  # type: ignore[type-arg]
    "cell_names": (
        _names,
        "one top cell, named as base and model; no # or / in the name of a cell",
        {
            "a top cell of another name": (_renamed, f"top cells are {_OTHER}"),
            "a second top cell": (_second_top, "top cells are"),
            "a cell with # in its name": (_odd_name, "cell cell#1"),
        },
    ),
    "boundary": (
        _boundary,
        "prBoundary is the die, and everything lies in it",
        {
            "no boundary": (_no_boundary, "the boundary of"),
            "a wire 5 nm beyond it": (_beyond, "layer"),
        },
    ),
    "pins": (
        _pins,
        "every port has the netlist's direction and a use, is drawn as a pin on metal, and no other pin is",
        {
            "a pin without metal": (_erased, "pin"),
            "a pin that is no port": (_unasked_pin, "a pin on"),
        },
    ),
    "labels": (
        _labels,
        "every port has a label on its pin, and there is no other label",
        {
            "a label of another name": (
                lambda chip: _relabelled(chip, lambda t: kdb.Text("nobody", t.trans)),
                "label nobody",
            ),
            "a label beside its pin": (
                lambda chip: _relabelled(chip, lambda t: t.moved(-1_000_000, 0)),
                "label",
            ),
        },
    ),
    "off_grid": (
        _grid,
        "every corner of a shape and every instance is on the manufacturing grid",
        {
            "a shape 1 nm off": (_shifted_shape, "1 shapes of"),
            "an instance 1 nm off": (_shifted_cell, "1 instances in"),
        },
    ),
}
