"""Tiles that are drawn for tests of stitching: boxes with the pins and straps of their floorplans."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import klayout.db as kdb

from base_chip.pdk import load_pdk
from base_chip.stitch import StitchPlan, TileView
from base_chip.stitch.netlist import die_verilog
from base_chip.stitch.view import Strap, TilePin
from base_chip.stitch.windows import windows
from signoff.assembly.routed import Port
from signoff.netlist import read_netlist
from signoff.seams import Die, Stand

PDK = load_pdk("sky130")
WIDTH, HEIGHT = 54_280, 81_600  # nm: two and three pitches of the straps
STRAPS = {"vertical": 27_140, "horizontal": 27_200}
SIDE, HALF = (150, 900), (70, 600)  # half the width, and the length, of a pin on met3 and on met2


def view(
    kind: str, *, width: int = WIDTH, height: int = HEIGHT, bits: int = 2, feeds: int = 0, **moved: int
) -> TileView:
    """A tile with steps and sums of some bits; pins in `moved` lie so many nm beside their place.

    One with feeds sends so many rows their steps, and takes none itself.
    """
    pins: dict[str, TilePin] = {}

    def put(name: str, way: str, at: int, side: str) -> None:
        at += moved.get(name.replace("[", "_").rstrip("]"), 0)
        if side in ("west", "east"):
            x = 0 if side == "west" else width - SIDE[1]
            box = kdb.Box(x, at - SIDE[0], x + SIDE[1], at + SIDE[0])
        else:
            y = 0 if side == "south" else height - HALF[1]
            box = kdb.Box(at - HALF[0], y, at + HALF[0], y + HALF[1])
        pins[name] = TilePin(way, "met3" if side in ("west", "east") else "met2", box)

    steps = ["clk", "rst", "valid", *(f"payload[{n}]" for n in range(bits))]
    for row in range(feeds):
        name = f"ram_{row - 1}" if row else "rom_0"
        for n, signal in enumerate(steps[2:]):
            put(f"west_{name}_{signal}", "OUTPUT", 8330 + 1360 * (row * (bits + 1) + n), "west")
    for n, signal in enumerate(steps[:2] if feeds else steps):
        y = 40_970 + 1360 * n
        put(signal if n < 2 else f"west_{signal}", "INPUT", y, "west")
        put(f"{signal}_east" if n < 2 else f"east_{signal}", "OUTPUT", y, "east")
    for n, signal in enumerate(steps[2:]):
        x = 20_815 + 920 * n
        put(f"north_{signal}", "INPUT", x, "north")
        put(f"south_{signal}", "OUTPUT", x, "south")
    return TileView(kind, f"scf_{kind}_tile", (width, height), pins, _straps(width, height), "hardened")


def _straps(width: int, height: int) -> tuple[Strap, ...]:
    found = []
    for net, offset in (("VGND", 0), ("VPWR", 1)):
        for x in range(7000 + offset * STRAPS["vertical"] // 2, width, STRAPS["vertical"]):
            found.append(Strap(net, "met4", kdb.Box(x - 800, 0, x + 800, height)))
        for y in range(7000 + offset * STRAPS["horizontal"] // 2, height, STRAPS["horizontal"]):
            found.append(Strap(net, "met5", kdb.Box(0, y - 800, width, y + 800)))
    return tuple(found)


def tile_layout(tile: TileView) -> kdb.Layout:
    """The tile, drawn: pins, straps, vias where these cross, a substrate tap, outline."""
    layout = kdb.Layout()
    layout.dbu = PDK.dbu
    cell = layout.create_cell(tile.cell)

    def draw(layer: tuple[int, int], shape: kdb.Box | kdb.Text) -> None:
        cell.shapes(layout.layer(*layer)).insert(shape)

    draw(PDK.layers["prBoundary"], kdb.Box(0, 0, *tile.size))
    for name, pin in tile.pins.items():
        for layer in (PDK.layers[pin.layer], PDK.pins[pin.layer]):
            draw(layer, pin.box)
        draw(PDK.labels[pin.layer], kdb.Text(name, kdb.Trans(pin.box.center().x, pin.box.center().y)))
    tap = kdb.Box(6900, 13_900, 7100, 14_100)  # below a strap of ground
    for name in ("tap", "licon1", "li1", "mcon", "met1", "via", "met2", "via2", "met3", "via3"):
        draw(PDK.layers[name], tap)
    for strap in tile.straps:
        draw(PDK.layers[strap.layer], strap.box)
        middle = strap.box.center()
        draw(PDK.labels[strap.layer], kdb.Text(strap.net, kdb.Trans(middle.x, middle.y)))
        for other in tile.straps:
            if strap.layer == "met4" and other.layer == "met5" and strap.net == other.net:
                at = (strap.box & other.box).center()
                draw(PDK.layers["via4"], kdb.Box(at.x - 400, at.y - 400, at.x + 400, at.y + 400))
    return layout


@dataclass(frozen=True)
class Routed:
    """What checks read of the routed design of a tile."""

    ports: dict[str, Port]
    supply_wires: dict[str, list[tuple[str, kdb.Box]]]

    @classmethod
    def of(cls, tile: TileView) -> "Routed":
        ports = {
            name: Port(pin.direction, "SIGNAL", ((pin.layer, pin.box),)) for name, pin in tile.pins.items()
        }
        wires = defaultdict(list)
        for strap in tile.straps:
            wires[strap.net].append((strap.layer, strap.box))
        supplies = {net: Port("INOUT", "POWER", tuple(shapes)) for net, shapes in wires.items()}
        return cls(ports | supplies, dict(wires))


def die_of(plan: StitchPlan, folder: Path) -> Die:
    """What a die should be, for its checks."""
    netlist = folder / f"{plan.name}.lvs.v"
    netlist.write_text(die_verilog(plan, supplies=True))
    return Die(
        plan.top,
        read_netlist(netlist),
        {tile.name: Stand(tile.view.cell, tile.at) for tile in plan.tiles},
        {tile.view.cell: Routed.of(tile.view) for tile in plan.tiles},  # type: ignore[dict-item]
        windows(plan),
    )


def write_tiles(tiles: Iterable[TileView], folder: Path) -> dict[str, Path]:
    """GDS of each kind of tile."""
    found = {}
    for tile in tiles:
        found[tile.kind] = folder / f"{tile.kind}.gds"
        tile_layout(tile).write(str(found[tile.kind]))
    return found
