"""A routed tile of six cells in two rows, drawn by hand, with its LEF and DEF; and a die of it."""

import klayout.db as kdb

from base_chip.pdk import load_pdk
from signoff.assembly.names import Names

TILE = "scf_small"
NAMES = Names("scf_die", (TILE,))
AT = (5000, 6000)  # of the tile in the die
LAYERS = load_pdk("sky130").layers
LABELS = load_pdk("sky130").labels

LEF = """
VIA M1M2_X
  LAYER met1 ;
    RECT -0.1 -0.1 0.1 0.1 ;
  LAYER via ;
    RECT -0.075 -0.075 0.075 0.075 ;
  LAYER met2 ;
    RECT -0.1 -0.15 0.1 0.15 ;
END M1M2_X
MACRO inv
  SIZE 1.0 BY 2.0 ;
  PIN A
    USE SIGNAL ;
    PORT
      LAYER li1 ;
        RECT 0.4 0.9 0.6 1.1 ;
    END
  END A
  PIN VGND
    USE GROUND ;
    PORT
      LAYER met1 ;
        RECT 0 -0.1 1.0 0.1 ;
    END
  END VGND
  PIN VPWR
    USE POWER ;
    PORT
      LAYER met1 ;
        RECT 0 1.9 1.0 2.1 ;
    END
  END VPWR
END inv
MACRO fill
  SIZE 0.5 BY 2.0 ;
END fill
MACRO ram
  SIZE 1.0 BY 3.0 ;
END ram
"""

# cell, place and turn as in the DEF; how the layout has it
CELLS = (
    ("inv", "( 0 0 ) N", "r0 0,0"),
    ("inv", "( 0 2000 ) FS", "m0 0,4000"),
    ("inv", "( 1500 0 ) FN", "m90 2500,0"),
    ("fill", "( 1000 0 ) N", "r0 1000,0"),
    ("fill", "( 1000 2000 ) S", "r180 1500,4000"),
    ("fill", "( 1500 2000 ) FS", "m0 1500,4000"),
    ("ram", "( 4000 0 ) N", "r0 4000,0"),
)
# supply: rails and straps on met1, met4 and met5
WIRES = {
    "VGND": (
        *(("met1", (0, y), (2500, y)) for y in (0, 4000)),
        ("met4", (300, -1200), (300, 5200)),
        *(("met5", (0, y), (5000, y)) for y in (-1000, 1000, 3000, 5000)),
    ),
    "VPWR": (
        ("met1", (0, 2000), (2500, 2000)),
        ("met4", (800, -1200), (800, 5200)),
        *(("met5", (0, y), (5000, y)) for y in (-400, 1600)),
    ),
}
WIDTH = 200
STEPS = (
    ("met1", "via", "met2"),
    ("met2", "via2", "met3"),
    ("met3", "via3", "met4"),
    ("met4", "via4", "met5"),
)


def _stacks() -> list[tuple[str, int, tuple[int, int]]]:
    """Supply, number of the lower wire and place of each via of the supplies."""
    found = []
    for net, x in (("VGND", 300), ("VPWR", 800)):
        for layer, (_, y), _ in WIRES[net]:
            if layer == "met1":
                found += [(net, n, (x, y)) for n in range(3)]
            elif layer == "met5":
                found.append((net, 3, (x, y)))
    return found


def def_text() -> str:
    lines = ["VERSION 5.8 ;", "DESIGN scf_small ;", "UNITS DISTANCE MICRONS 1000 ;", "VIAS 4 ;"]
    for n, (lower, cut, upper) in enumerate(STEPS):
        size = "+ CUTSIZE 40 40 + CUTSPACING 20 20 + ENCLOSURE 50 50 50 50 + ROWCOL 1 2"
        lines.append(f"- up{n} + VIARULE X {size} + LAYERS {lower} {cut} {upper} ;")
    lines += ["END VIAS", f"COMPONENTS {len(CELLS)} ;"]
    lines += [f"- u{n} {cell} + PLACED {place} ;" for n, (cell, place, _) in enumerate(CELLS)]
    lines += ["END COMPONENTS", "SPECIALNETS 2 ;"]
    for net, wires in WIRES.items():
        routes = [
            f"{layer} {WIDTH} + SHAPE STRIPE ( {a[0]} {a[1]} ) ( {b[0]} {b[1]} )" for layer, a, b in wires
        ]
        routes += [
            f"{STEPS[n][0]} 0 + SHAPE STRIPE ( {x} {y} ) up{n}" for of, n, (x, y) in _stacks() if of == net
        ]
        lines.append(f"- {net} ( * {net} ) + USE POWER + ROUTED {' NEW '.join(routes)} ;")
    lines += [
        "END SPECIALNETS",
        "NETS 1 ;",
        "- M1M2_X ( u0 A ) + USE SIGNAL + ROUTED met1 ( 500 1000 ) ( 1200 * ) M1M2_X",
        "NEW met2 TAPER ( 1200 1000 0 ) ( * 1500 ) RECT ( -10 -20 30 40 ) M1M2_X FS ;",
        "END NETS",
        "END DESIGN",
        "",
    ]
    return "\n".join(lines)


def die() -> kdb.Layout:
    """The die: its outline, a wire of its own, and the tile with the layouts of the cells."""
    layout = kdb.Layout()
    layout.dbu = 0.001
    top, tile = layout.create_cell(NAMES.die), layout.create_cell(TILE)
    top.insert(kdb.CellInstArray(tile.cell_index(), kdb.Trans(*AT)))
    draw(top, "prBoundary", 0, 0, 15_000, 15_000)
    draw(top, "met5", 0, 500, 15_000, 700)
    cells = {cell.name: cell for cell in draw_cells(layout)}
    for name, _, trans in CELLS:
        tile.insert(kdb.CellInstArray(cells[name].cell_index(), kdb.Trans.from_s(trans)))
    vias = draw_vias(layout)
    for _, n, place in _stacks():
        tile.insert(kdb.CellInstArray(vias[f"up{n}"].cell_index(), kdb.Trans(*place)))
    for trans in (kdb.Trans(1200, 1000), kdb.Trans(kdb.Trans.M0, 1200, 1500)):
        tile.insert(kdb.CellInstArray(vias["M1M2_X"].cell_index(), trans))
    draw(tile, "met1", 500, 900, 1200, 1100)
    draw(tile, "met2", 1100, 1000, 1300, 1500)
    for wires in WIRES.values():
        for layer, (x0, y0), (x1, y1) in wires:
            dx, dy = (WIDTH // 2, 0) if x0 == x1 else (0, WIDTH // 2)
            draw(tile, layer, x0 - dx, y0 - dy, x1 + dx, y1 + dy)
    for net, y in (("VGND", -1000), ("VPWR", -400)):
        tile.shapes(layout.layer(*LABELS["met5"])).insert(kdb.Text(net, kdb.Trans(100, y)))
    draw(tile, "prBoundary", -3000, -3000, 8000, 8000)
    return as_read(layout)


def as_read(layout: kdb.Layout) -> kdb.Layout:
    """A layout as it comes from a GDS file."""
    options = kdb.SaveLayoutOptions()
    options.format = "GDS2"
    read = kdb.Layout()
    read.read_bytes(layout.write_bytes(options), kdb.LoadLayoutOptions())
    return read


def draw_cells(layout: kdb.Layout) -> list[kdb.Cell]:
    """inv with two transistors and a poly contact, fill without, ram with an array of cells."""
    inv, fill, ram, bit = (layout.create_cell(name) for name in ("inv", "fill", "ram", "ram_bit"))
    for name in ("inv", "fill"):
        cell, width = layout.cell(name), 1000 if name == "inv" else 500
        draw(cell, "met1", 0, -100, width, 100)
        draw(cell, "met1", 0, 1900, width, 2100)
    for cell in (inv, bit):
        draw(cell, "diff", 100, 300, 900, 600)
        draw(cell, "poly", 420, 100, 580, 1300)
        draw(cell, "poly", 350, 850, 650, 1150)
        draw(cell, "npc", 300, 800, 700, 1200)
        draw(cell, "licon1", 415, 915, 585, 1085)
    draw(inv, "diff", 100, 1400, 900, 1700)
    draw(inv, "poly", 420, 1300, 580, 1800)
    steps = kdb.Vector(0, 0), kdb.Vector(0, 1400)
    ram.insert(kdb.CellInstArray(bit.cell_index(), kdb.Trans(), *steps, 1, 2))
    return [inv, fill, ram]


def draw_vias(layout: kdb.Layout) -> dict[str, kdb.Cell]:
    vias = {name: layout.create_cell(f"VIA_{name}") for name in ("M1M2_X", "up0", "up1", "up2", "up3")}
    draw(vias["M1M2_X"], "met1", -100, -100, 100, 100)
    draw(vias["M1M2_X"], "via", -75, -75, 75, 75)
    draw(vias["M1M2_X"], "met2", -100, -150, 100, 150)
    for n, (lower, cut, upper) in enumerate(STEPS):
        for layer in (lower, upper):
            draw(vias[f"up{n}"], layer, -100, -70, 100, 70)
        draw(vias[f"up{n}"], cut, -50, -20, -10, 20)
        draw(vias[f"up{n}"], cut, 10, -20, 50, 20)
    return vias


def draw(cell: kdb.Cell, layer: str, x0: int, y0: int, x1: int, y1: int) -> None:
    cell.shapes(cell.layout().layer(*LAYERS[layer])).insert(kdb.Box(x0, y0, x1, y1))
