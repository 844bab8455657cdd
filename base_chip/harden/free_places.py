"""Free places near wires of a routed block: sites of its rows, and ways of vias and short wires to them."""

__all__ = ["LAYERS", "Rules", "Space", "Way", "Wire", "read_rules"]

import heapq
import itertools
import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import klayout.db as kdb

from base_chip.harden.def_wires import Box, Point, read_tech, read_wires
from rtl_gen.errors import FlowError

LAYERS = ("li1", "met1", "met2", "met3", "met4")
# Where ways to a diode begin: below a via from met4 there would be too little metal of met3.
_SOURCES = LAYERS[1:4]
DBU = 0.001
_ROW = re.compile(r"^ROW \S+ \S+ (-?\d+) (-?\d+) (\S+) DO (\d+) BY 1 STEP (\d+) 0 ;", re.M)
_PLACED = re.compile(r"^\s*- (\S+) (\S+) [^;]*?\+ (?:PLACED|FIXED) \( (-?\d+) (-?\d+) \) (\S+)", re.M)
_BLOCKED = re.compile(r"^\s*- PLACEMENT [^;]*?RECT \( (-?\d+) (-?\d+) \) \( (-?\d+) (-?\d+) \)", re.M)
_ORIENTS = {"N": "R0", "FS": "MX"}  # of rows, as DEF and as OpenROAD call them
_KEEP = 400  # dbu from the end of a wire to the vias on it, so that its bends and their vias are out of reach
_PAD = 85  # dbu from the middle of a via on the lowest layer to its edges
# Steps of a short wire on the way down, from track to track, and what each costs; and a via.
_STEPS = {"met1": ((460, 0, 2), (0, 340, 3)), "met2": ((460, 0, 6), (0, 340, 2)), "met3": ()}
_VIA = 4
_JUMP = {"x": 1380, "y": 1360}  # dbu between the vias of a jumper, on tracks
_REACH = 20_000  # points that are looked at

Wire = tuple[str, Box]  # layer and rectangle of a straight one
_Node = tuple[str, Point]  # layer and point
Way = tuple[tuple[Point, str], ...]  # points, and the vias at them; "" for none


@dataclass(frozen=True)
class Rules:
    """What LEF files say.

    Attributes:
        size: Width and height of the diode, dbu.
        pin: Its pin on the lowest layer, dbu.
        spacing: Of metal by layer, dbu.
        half: Half the width of a wire by layer, dbu.
        vias: By upper layer: its name, and its rectangles by layer, dbu.
        with_diodes: Ratio allowed with n diodes, n from 0.
        sizes: Width and height of each cell, dbu.
    """

    size: Point
    pin: Box
    spacing: dict[str, int]
    half: dict[str, int]
    vias: dict[str, tuple[str, dict[str, Box]]]
    with_diodes: tuple[float, ...]
    sizes: dict[str, Point]


def read_rules(lef: str, diode: str) -> Rules:
    """Rules for a diode cell; `lef` is the text of the technology's LEF and of the cells'.

    Raises:
        FlowError: Something that is needed is not there.
    """
    tech = read_tech(lef)
    try:
        spacing = {
            layer: _dbu(
                re.search(r"WIDTH\s+0\s+([\d.]+)|^\s*SPACING\s+([\d.]+)", _body(lef, "LAYER", layer), re.M)
            )
            for layer in LAYERS[1:]
        }
        half = {layer: round(tech.widths[layer] / DBU / 2) for layer in LAYERS[1:]}
        vias = {}
        for below, above in itertools.pairwise(LAYERS):
            name, body = next(
                (name, body)
                for name, body in re.findall(r"^VIA (\S+) DEFAULT\s*$(.*?)^END \1\s*$", lef, re.S | re.M)
                if {below, above} <= set(re.findall(r"LAYER (\S+) ;", body))
            )
            boxes = re.findall(r"LAYER (\S+) ;\s+RECT ([-\d. ]+) ;", body)
            vias[above] = (name, {layer: _box(numbers) for layer, numbers in boxes if layer in LAYERS})
        cell = _body(lef, "MACRO", diode)
        sizes = {
            name: (round(float(w) / DBU), round(float(h) / DBU))
            for name, w, h in re.findall(
                r"^MACRO (\S+)$.*?^\s*SIZE\s+([\d.]+)\s+BY\s+([\d.]+)", lef, re.S | re.M
            )
        }
        (pin,) = re.findall(rf"LAYER {LAYERS[0]} ;\s+RECT ([-\d. ]+) ;", _body(cell, "  PIN", "DIODE", "  "))
        area = float(_found(re.search(r"ANTENNADIFFAREA\s+([\d.]+)", cell)).group(1))
        steps = re.search(r"ANTENNADIFFSIDEAREARATIO PWL \((.*?)\) ;", _body(lef, "LAYER", "met3"))
        points = [float(v) for v in re.findall(r"[\d.]+", _found(steps).group(1))]
    except (StopIteration, ValueError, KeyError, AttributeError) as e:
        raise FlowError(f"the LEF files do not tell what a diode {diode} needs ({e})") from e
    curve = list(zip(points[::2], points[1::2], strict=True))
    allowed = tuple(_at(curve, n * area) for n in range(65))
    return Rules(sizes[diode], _box(pin), spacing, half, vias, allowed, sizes)


class Space:
    """What is taken: sites of the rows, and metal."""

    def __init__(self, text: str, lefs: Sequence[Path], rules: Rules) -> None:
        """Reads a routed DEF without fillers, and the LEF of technology, cells and macros."""
        self._rules = rules
        self._rows: dict[int, list[tuple[int, int, int, str]]] = defaultdict(list)  # by y: from, step, number
        for x, y, orient, count, step in _ROW.findall(text):
            self._rows[int(y)].append((int(x), int(step), int(count), orient))
        self._step = next(iter(self._rows.values()))[0][1]
        self.cells: dict[str, Box] = {}
        for name, master, x, y, orient in _PLACED.findall(_section(text, "COMPONENTS")):
            width, height = rules.sizes.get(master, (0, 0))
            if orient in ("E", "W", "FE", "FW"):
                width, height = height, width
            self.cells[name.replace("\\", "")] = (int(x), int(y), int(x) + width, int(y) + height)
        blocked = [tuple(map(int, box)) for box in _BLOCKED.findall(text)]
        self._taken: set[Point] = set()
        heights = sorted(self._rows)
        for left, bottom, right, top in (*self.cells.values(), *blocked):
            first, last = bisect_right(heights, bottom - rules.size[1]), bisect_left(heights, top)
            for y in heights[first:last]:
                off = (left - self._rows[y][0][0]) % self._step  # macros are not on the grid of sites
                self._taken |= {(x, y) for x in range(left - off, right, self._step)}
        self._layout = _metal(text, lefs)
        self._top = self._layout.top_cell()
        self._layers = {layer: self._layout.layer(n, 0) for n, layer in enumerate(LAYERS)}

    def below(self, wires: Sequence[Wire]) -> tuple[Wire, Point, str, Way] | None:
        """Take a place for a diode near one of the wires of a net.

        Ways lead down from layer to layer; the shortest one is taken, of those that end at a free site.

        Args:
            wires: Straight wires.

        Returns:
            The wire, where the diode lies, how it is turned as OpenROAD says, and the way to it; or None.
        """
        from_: dict[_Node, tuple[_Node | None, Wire]] = {}
        heap: list[tuple[int, int, _Node]] = []
        for wire in wires:
            for at in self._starts(wire) if wire[0] in _SOURCES else ():
                self._reach((wire[0], at), 0, None, wire, from_, heap)
        for _ in range(_REACH):
            if not heap:
                break
            cost, _, node = heapq.heappop(heap)
            layer, at = node
            wire = from_[node][1]
            _, drawn = self._rules.vias[layer]
            if self._free(layer, kdb.Box(*drawn[layer]).moved(*at), wire):
                under = LAYERS[LAYERS.index(layer) - 1]
                if under == LAYERS[0]:
                    if site := self._site(at):
                        way = self._way(node, from_)
                        self._take(wire[0], way, site[0])
                        return wire, *site, way
                elif self._free(under, kdb.Box(*drawn[under]).moved(*at), wire):
                    self._reach((under, at), cost + _VIA, node, wire, from_, heap)
            for dx, dy, price in _STEPS[layer]:
                for to in ((at[0] + dx, at[1] + dy), (at[0] - dx, at[1] - dy)):
                    if (layer, to) not in from_ and self._free(layer, self._line(layer, at, to), wire):
                        self._reach((layer, to), cost + price, node, wire, from_, heap)
        return None

    def jumps(self, wire: Wire, tries: int) -> Iterator[tuple[Point, Point]]:
        """Both ends of pieces of a straight wire that can go over the layer above, from its ends inwards."""
        layer, (left, bottom, right, top) = wire
        above = LAYERS[LAYERS.index(layer) + 1]
        _, drawn = self._rules.vias[above]
        dx, dy = (_JUMP["x"], 0) if right - left >= top - bottom else (0, _JUMP["y"])
        starts = list(self._starts(wire))
        for order in (starts, starts[::-1]):
            found = 0
            for a in order:
                b = a[0] + dx, a[1] + dy
                if b not in starts:
                    continue
                pads = [kdb.Box(*drawn[of]).moved(*at) for of in (layer, above) for at in (a, b)]
                if (
                    all(self._free(layer, pad, wire) for pad in pads[:2])
                    and all(self._free(above, pad, wire) for pad in pads[2:])
                    and self._free(above, self._line(above, a, b), wire)
                ):
                    yield a, b
                    found += 1
                    if found == tries:
                        break

    def _reach(
        self,
        node: _Node,
        cost: int,
        before: _Node | None,
        wire: Wire,
        from_: dict[_Node, tuple[_Node | None, Wire]],
        heap: list[tuple[int, int, _Node]],
    ) -> None:
        if node not in from_:
            from_[node] = before, wire
            heapq.heappush(heap, (cost, len(from_), node))

    def _way(self, node: _Node, from_: Mapping[_Node, tuple[_Node | None, Wire]]) -> Way:
        """Points from a wire to a node on the lowest metal, without those in the middle of a line."""
        nodes = [node]
        while (before := from_[nodes[-1]][0]) is not None:
            nodes.append(before)
        nodes.reverse()
        way: list[tuple[Point, str]] = []
        for (layer, at), after in itertools.zip_longest(nodes, nodes[1:]):
            via = self._rules.vias[layer][0] if after is None or after[0] != layer else ""
            if way and way[-1][0] == at:  # below a via
                if via:
                    way.append((at, via))
                continue
            if len(way) > 1 and not way[-1][1] and _straight(way[-2][0], way[-1][0], at):
                way.pop()
            way.append((at, via))
        return tuple(way)

    def _starts(self, wire: Wire) -> Iterator[Point]:
        """Points of a wire, on the tracks across it, from which a way may lead down."""
        layer, (left, bottom, right, top) = wire
        half = self._rules.half[layer]
        if min(right - left, top - bottom) < 2 * half:
            return
        x, y, keep = (left + right) // 2, (bottom + top) // 2, half + _KEEP
        if right - left >= top - bottom:
            first = left + keep
            yield from ((at, y) for at in range(first + (230 - first) % 460, right - keep + 1, 460))
        else:
            first = bottom + keep
            yield from ((x, at) for at in range(first + (170 - first) % 340, top - keep + 1, 340))

    def _site(self, via: Point) -> tuple[Point, str] | None:
        """A free site whose diode has its pin below a via: where it lies, how it is turned."""
        width, height = self._rules.size
        left, bottom, right, top = self._rules.pin
        for y in range(via[1] - height, via[1] + 1):
            for x, step, count, orient in self._rows.get(y, ()):
                if orient not in _ORIENTS:
                    continue
                low, high = (bottom, top) if orient == "N" else (height - top, height - bottom)
                # The pin goes on by 0.08 um above and below the via, as rules want on two of its sides
                if not y + low + _PAD + 80 <= via[1] <= y + high - _PAD - 80:
                    continue
                first = max(-((via[0] - x - right + _PAD) // -step), 0)
                last = min((via[0] - x - left - _PAD) // step, count - width // step)
                for at in range(x + first * step, x + last * step + 1, step):
                    if not any((at + i, y) in self._taken for i in range(0, width, step)):
                        return (at, y), _ORIENTS[orient]
        return None

    def _free(self, layer: str, box: kdb.Box, wire: Wire) -> bool:
        """Whether metal may be drawn there: nothing is too close, but for the wire it hangs on."""
        window = box.enlarged(self._rules.spacing[layer], self._rules.spacing[layer])
        near = kdb.Region(self._top.begin_shapes_rec_overlapping(self._layers[layer], window))
        if layer == wire[0]:
            near -= kdb.Region(kdb.Box(*wire[1]))
        return (near & kdb.Region(window)).is_empty()

    def _take(self, layer: str, way: Way, site: Point) -> None:
        last = way[0][0]
        for at, via in way:
            if at != last:
                self._draw(layer, self._line(layer, last, at))
            if via:
                for of, drawn in self._rules.vias[layer][1].items():
                    self._draw(of, kdb.Box(*drawn).moved(*at))
                layer = LAYERS[LAYERS.index(layer) - 1]
            last = at
        self._taken |= {(site[0] + i, site[1]) for i in range(0, self._rules.size[0], self._step)}

    def _line(self, layer: str, a: Point, b: Point) -> kdb.Box:
        half = self._rules.half[layer]
        return (kdb.Box(*a, *a) + kdb.Box(*b, *b)).enlarged(half, half)

    def _draw(self, layer: str, box: kdb.Box) -> None:
        self._top.shapes(self._layers[layer]).insert(box)


def _straight(a: Point, b: Point, c: Point) -> bool:
    return a[0] == b[0] == c[0] or a[1] == b[1] == c[1]


def _metal(text: str, lefs: Sequence[Path]) -> kdb.Layout:
    """Wires, vias, straps, pins and obstructions of a DEF; a layer is called as in the LEF."""
    wires = read_wires(text, read_tech("".join(path.read_text("utf-8") for path in lefs)), DBU)
    options = kdb.LoadLayoutOptions()
    options.warn_level = 0
    lefdef = options.lefdef_config
    lefdef.dbu = DBU
    lefdef.lef_files = [str(path) for path in lefs]
    lefdef.read_lef_with_def = False
    lefdef.create_other_layers = False
    for what in ("routing", "via_geometry", "special_routing", "pins", "lef_pins", "obstructions", "fills"):
        setattr(lefdef, f"{what}_suffix", "")
        setattr(lefdef, f"produce_{what}", True)
    for what in ("labels", "lef_labels", "blockages", "regions", "placement_blockages"):
        setattr(lefdef, f"produce_{what}", False)
    lefdef.net_property_name = lefdef.instance_property_name = lefdef.pin_property_name = None
    layers = kdb.LayerMap()
    for layer in LAYERS[1:]:
        layers.map(f"{layer} : {LAYERS.index(layer)}/0")
    lefdef.layer_map = layers
    layout = kdb.Layout()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rest.def"
        path.write_text(wires.rest, "utf-8")
        try:
            layout.read(str(path), options)
        except RuntimeError as e:
            raise FlowError(f"cannot read the routed design ({e})") from e
    for layer in LAYERS[1:]:
        shapes = layout.top_cell().shapes(layout.layer(LAYERS.index(layer), 0))
        for box in wires.boxes.get(layer, []):
            shapes.insert(kdb.Box(*box))
    return layout


def _section(text: str, name: str) -> str:
    return _found(re.search(rf"^{name}\s+\d+\s*;(.*?)^END {name}\b", text, re.S | re.M)).group(1)


def _body(text: str, kind: str, name: str, indent: str = "") -> str:
    found = re.search(
        rf"^{kind} {re.escape(name)}\s*$(.*?)^{indent}END {re.escape(name)}\s*$", text, re.S | re.M
    )
    return _found(found).group(1)


def _found(match: re.Match[str] | None) -> re.Match[str]:
    if match is None:
        raise ValueError("a section is missing")
    return match


def _dbu(match: re.Match[str] | None) -> int:
    return round(float(next(filter(None, _found(match).groups()))) / DBU)


def _box(numbers: str) -> Box:
    left, bottom, right, top = (round(float(n) / DBU) for n in numbers.split())
    return left, bottom, right, top


def _at(curve: Sequence[tuple[float, float]], x: float) -> float:
    """A piecewise linear curve at a point; beyond its ends it stays."""
    for (x0, y0), (x1, y1) in itertools.pairwise(curve):
        if x <= x1:
            return y0 if x <= x0 else y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    return curve[-1][1]
