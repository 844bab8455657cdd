"""What is drawn in the margin of a die of tiles.

From the tiles outwards: along the north edge a wire that ties inputs without a neighbour to ground, along the
west edge clock and reset for all rows, and wires that take steps from a vec tile to the rows (long ones with
a jumper near their end); the power ring, ground inside; pins at the edge. Straps run on to the edge across
the ring, and pins of tiles straight to it below the ring.
"""

__all__ = ["draw_margin"]

from collections import defaultdict

import klayout.db as kdb

from base_chip.bank.pins import BankPin, PinRect
from base_chip.pdk import Pdk
from base_chip.pdk.margin import Cut, Margin
from base_chip.stitch.plan import FEED_LAYER, SHARED, Placed, StitchPlan
from rtl_gen.errors import FlowError

LOW = "VGND"
USES = {"VPWR": "POWER", LOW: "GROUND"}
RING = (LOW, "VPWR")  # from the inside
LAYERS = {"vertical": "met4", "horizontal": "met5"}  # of straps and of the ring
TIE, SPINE = FEED_LAYER, "met4"


def draw_margin(plan: StitchPlan, top: kdb.Cell, pdk: Pdk, margin: Margin) -> tuple[BankPin, ...]:
    """Draw the margin into the die's cell; returns the die's pins, supplies last."""
    return _Drawer(plan, top, pdk, margin).draw()


class _Drawer:
    def __init__(self, plan: StitchPlan, top: kdb.Cell, pdk: Pdk, margin: Margin) -> None:
        self.plan, self.pdk, self.margin, self.top = plan, pdk, margin, top
        self.pins: dict[str, list[PinRect]] = defaultdict(list)
        self.directions: dict[str, str] = {}
        self.legs = {net: _legs(plan, margin, order) for order, net in enumerate(RING)}

    def draw(self) -> tuple[BankPin, ...]:
        for net, (horizontal, vertical) in self.legs.items():
            for box in horizontal:
                self.rect(LAYERS["horizontal"], box)
                for leg in vertical:
                    self.cuts("via4", box & leg)
            for box in vertical:
                self.rect(LAYERS["vertical"], box)
            self.straps(net)
        low: list[kdb.Box] = []
        spines: dict[str, list[kdb.Box]] = defaultdict(list)
        for tile in self.plan.tiles:
            for pin, net, port in self.plan.bits(tile):
                box = tile.view.pins[pin].box.moved(*tile.at)
                layer = tile.view.pins[pin].layer
                if port.role == "low":
                    low.append(box)
                elif port.role == "port" and net in SHARED:
                    spines[net].append(box)
                    self.directions[net] = tile.view.pins[pin].direction
                elif port.role == "port":
                    self.port(tile, net, layer, box)
        if low:
            self.tie(low)
        takers: dict[str, list[tuple[int, kdb.Box, kdb.Box]]] = defaultdict(list)
        for track, pins in enumerate(self.plan.feeds):
            sends, takes = (tile.view.pins[pin].box.moved(*tile.at) for tile, pin in pins)
            takers[pins[1][0].name].append((track, sends, takes))
        for wires in takers.values():
            self.feeds(wires)
        for track, (net, boxes) in enumerate(sorted(spines.items())):
            self.spine(net, track, boxes)
        signals = [
            BankPin(n, self.directions[n], "SIGNAL", tuple(self.pins[n])) for n in sorted(self.directions)
        ]
        return (*signals, *(BankPin(n, "INOUT", USES[n], tuple(self.pins[n])) for n in RING))

    def straps(self, net: str) -> None:
        """Straps at the edge of the tiles go on to the edge of the die, and join the legs that they cross."""
        array, (width, height) = self.plan.array, self.plan.die
        drawn = set()
        for tile in self.plan.tiles:
            for strap in tile.view.straps:
                box = strap.box.moved(*tile.at)
                if strap.net != net:
                    continue
                for side, outside in (
                    (box.left == array.left, kdb.Box(0, box.bottom, array.left, box.top)),
                    (box.right == array.right, kdb.Box(array.right, box.bottom, width, box.top)),
                    (box.bottom == array.bottom, kdb.Box(box.left, 0, box.right, array.bottom)),
                    (box.top == array.top, kdb.Box(box.left, array.top, box.right, height)),
                ):
                    if side and str(outside) not in drawn:
                        drawn.add(str(outside))
                        self.rect(strap.layer, outside)
                        horizontal, vertical = self.legs[net]
                        for leg in vertical if strap.layer == LAYERS["horizontal"] else horizontal:
                            if leg.overlaps(outside):
                                self.cuts("via4", leg & outside)
                        self.pin(net, strap.layer, outside)
        if not drawn:
            raise FlowError(f"no strap of {net} reaches the edge of the tiles", where=f"die {self.plan.name}")

    def port(self, tile: Placed, net: str, layer: str, box: kdb.Box) -> None:
        """A pin of a tile, straight to the edge of the die that it is at."""
        array, die = self.plan.array, kdb.Box(0, 0, *self.plan.die)
        if box.left == array.left:
            wire = kdb.Box(0, box.bottom, box.left, box.top)
        elif box.right == array.right:
            wire = kdb.Box(box.right, box.bottom, die.right, box.top)
        elif box.bottom == array.bottom:
            wire = kdb.Box(box.left, 0, box.right, box.bottom)
        elif box.top == array.top:
            wire = kdb.Box(box.left, box.top, box.right, die.top)
        else:
            raise FlowError(
                f"pin {net} of {tile.name} is not at the edge of the tiles, {box.to_s()} nm",
                where=f"die {self.plan.name}",
                hint="Run: sc-flow base check",
            )
        self.rect(layer, wire)
        self.pin(net, layer, wire)
        self.directions[net] = next(
            p.direction for p in tile.view.pins.values() if p.box.moved(*tile.at) == box
        )

    def tie(self, boxes: list[kdb.Box]) -> None:
        """Join inputs at the north edge with ground, where a strap of it crosses a bar above them."""
        top, wire = self.plan.array.top, self.margin.wire
        y = top + self.margin.track
        crossed = sorted(
            (strap.box.moved(*tile.at) for tile in self.plan.tiles for strap in tile.view.straps
             if strap.net == LOW and strap.layer == SPINE and strap.box.top + tile.at[1] == top),
            key=lambda b: b.left,
        )  # fmt: skip
        if not crossed:
            raise FlowError(f"no strap of {LOW} reaches the north edge", where=f"die {self.plan.name}")
        left = min(*(b.left for b in boxes), crossed[0].left) - wire
        right = max(*(b.right for b in boxes), crossed[0].right) + wire
        bar = kdb.Box(left, y, right, y + wire)
        self.rect(TIE, bar)
        for box in boxes:
            middle = kdb.Point(box.center().x, bar.center().y)
            self.rect("met2", kdb.Box(box.left, top, box.right, middle.y))
            self.via("via2", middle, ("met2", TIE))
        for strap in crossed:
            if (at := bar & kdb.Box(strap.left, bar.bottom, strap.right, bar.top)).width() == strap.width():
                self.cuts("via3", at)

    def spine(self, net: str, track: int, boxes: list[kdb.Box]) -> None:
        """A wire along the west edge for what all rows share; the southernmost row's goes on to the edge."""
        x = self.plan.array.left - self.margin.track * (track + 1)
        half = self.margin.wire // 2
        boxes = sorted(boxes, key=lambda b: b.bottom)
        points = [kdb.Point(x, box.center().y) for box in boxes]
        for box, point in zip(boxes, points, strict=True):
            self.rect(TIE, kdb.Box(point.x - half, box.bottom, box.left, box.top))
            self.via("via3", point, (TIE, SPINE))
        if len(points) > 1:
            self.rect(SPINE, kdb.Box(x - half, points[0].y - half, x + half, points[-1].y + half))
        edge = kdb.Box(0, boxes[0].bottom, x, boxes[0].top)
        self.rect(TIE, edge)
        self.pin(net, TIE, edge)

    def feeds(self, wires: list[tuple[int, kdb.Box, kdb.Box]]) -> None:
        """Wires along the west edge to the pins of a tile: of each its track, what sends, and what takes."""
        feed, half = self.margin.feed, self.margin.feed.width // 2
        taken = kdb.Box()
        for _, _, pin in wires:
            taken += pin
        down = wires[0][1].center().y < taken.bottom
        slots = self.slots(taken.bottom if down else taken.top, down)
        for track, sends, takes in wires:
            x = self.plan.array.left - self.margin.clear - track * feed.pitch
            for box in (sends, takes):
                self.rect(TIE, kdb.Box(x - half, box.bottom, box.left, box.top))
                self.via("via3", kdb.Point(x, box.center().y), (TIE, SPINE))
            ends = sorted(box.center().y for box in (sends, takes))
            if ends[1] - ends[0] > feed.longest:
                low, high = self.jumper(x, slots[track % len(slots)])
                pieces = [(ends[0], low), (high, ends[1])]
            else:
                pieces = [(ends[0], ends[1])]
            for low, high in pieces:
                self.rect(SPINE, kdb.Box(x - half, low - half, x - half + feed.width, high + half))

    def slots(self, y: int, down: bool) -> list[int]:
        """Middles of jumpers above each other, as many as neighbours need, from y on between the straps."""
        jumper, pitch = self.margin.feed.jumper, self.margin.feed.pitch
        long = jumper.span + 2 * (self.margin.cuts["via4"].size // 2 + self.margin.cuts["via4"].upper)
        straps = sorted(
            (box.bottom - jumper.space, box.top + jumper.space)
            for tile in self.plan.tiles for strap in tile.view.straps
            if strap.layer == LAYERS["horizontal"]
            and (box := strap.box.moved(*tile.at)).left == self.plan.array.left
        )  # fmt: skip
        found: list[int] = []
        step = -1 if down else 1
        y += step * jumper.space
        while len(found) * pitch < jumper.width + jumper.space:
            low, high = sorted((y, y + step * long))
            if hit := [s for s in straps if s[0] < high and low < s[1]]:
                y = min(s[0] for s in hit) if down else max(s[1] for s in hit)
            else:
                found.append((low + high) // 2)
                y += step * (long + jumper.space)
        return found

    def jumper(self, x: int, y: int) -> tuple[int, int]:
        """Two via4 and the piece between them; returns their middles."""
        jumper, cut = self.margin.feed.jumper, self.margin.cuts["via4"]
        low, high = y - jumper.span // 2, y + jumper.span // 2
        for at in (low, high):
            hole = kdb.Box(x, at, x, at).enlarged(cut.size // 2, cut.size // 2)
            self.rect("via4", hole)
            self.rect(SPINE, hole.enlarged(cut.lower, cut.lower))
        beyond = cut.size // 2 + cut.upper
        self.rect(
            LAYERS["horizontal"],
            kdb.Box(x - jumper.width // 2, low - beyond, x + jumper.width // 2, high + beyond),
        )
        return low, high

    def pin(self, net: str, layer: str, wire: kdb.Box) -> None:
        """The end of a wire at the edge of the die."""
        (width, height), long = self.plan.die, self.margin.pin
        near = kdb.Box(0, 0, width, height).enlarged(-long, -long)
        ends = kdb.Region(wire) - kdb.Region(near)
        box = max(ends.each(), key=lambda p: p.area()).bbox()
        self.pins[net].append(PinRect(layer, box.left, box.bottom, box.right, box.top))

    def via(self, name: str, at: kdb.Point, wires: tuple[str, str]) -> None:
        """Two cuts, one above the other, with pads on both sides."""
        cut = self.margin.cuts[name]
        w, h = cut.size // 2, cut.size + cut.space // 2
        for y in (at.y - h, at.y + cut.space // 2):
            self.rect(name, kdb.Box(at.x - w, y, at.x + w, y + cut.size))
        for wire, around in zip(wires, (cut.lower, cut.upper), strict=True):
            self.rect(wire, kdb.Box(at.x - w, at.y - h, at.x + w, at.y + h).enlarged(around, around))

    def cuts(self, name: str, crossing: kdb.Box) -> None:
        """As many cuts as a crossing of two wires has room for."""
        cut = self.margin.cuts[name]
        (nx, dx), (ny, dy) = (_row(cut, length) for length in (crossing.width(), crossing.height()))
        for i in range(nx):
            for j in range(ny):
                x, y = (
                    crossing.left + dx + i * (cut.size + cut.space),
                    crossing.bottom + dy + j * (cut.size + cut.space),
                )
                self.rect(name, kdb.Box(x, y, x + cut.size, y + cut.size))

    def rect(self, layer: str, box: kdb.Box) -> None:
        self.top.shapes(self.top.layout().layer(*self.pdk.layers[layer])).insert(box)


def _legs(plan: StitchPlan, margin: Margin, order: int) -> tuple[list[kdb.Box], list[kdb.Box]]:
    """Horizontal and vertical legs of a ring; order 0 is the inner one."""
    width, space = margin.ring.width, margin.ring.space
    near, feeds = margin.clear + order * (width + space), margin.near(len(plan.feeds)) - margin.clear
    inner = plan.array.enlarged(near, near)
    inner.left -= feeds
    outer = inner.enlarged(width, width)
    horizontal = [
        kdb.Box(outer.left, outer.bottom, outer.right, inner.bottom),
        kdb.Box(outer.left, inner.top, outer.right, outer.top),
    ]
    vertical = [
        kdb.Box(outer.left, outer.bottom, inner.left, outer.top),
        kdb.Box(inner.right, outer.bottom, outer.right, outer.top),
    ]
    return horizontal, vertical


def _row(cut: Cut, length: int) -> tuple[int, int]:
    """How many cuts a length has room for, and where the first begins."""
    count = (length - 2 * max(cut.lower, cut.upper) + cut.space) // (cut.size + cut.space)
    used = count * (cut.size + cut.space) - cut.space
    return count, (length - used) // 2 // 5 * 5
