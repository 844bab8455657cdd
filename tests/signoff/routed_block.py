"""A block of five kit cells and a small bank, placed and wired by hand, with the netlist that it has."""

import itertools
from dataclasses import dataclass
from pathlib import Path

import klayout.db as kdb

from base_chip.bank import BankSpec, build_bank
from base_chip.pdk import Pdk
from flow.tasks.wiring import stack_of
from signoff.chip.netlist import Pins
from signoff.chip.wiring import Stack

LIBRARY = "sky130_fd_sc_hd__"
TOP = "block"
BANK = BankSpec(8, 16)
# name, cell, nets by pin
CELLS = (
    ("tap", "tapvpwrvgnd_1", {}),
    ("u0", "inv_1", {"A": "a", "Y": "n1"}),
    ("u1", "nand2_1", {"A": "n1", "B": "b", "Y": "n2"}),
    ("u2", "nor2_2", {"A": "n2", "B": "a", "Y": "y[0]"}),
    ("fill", "fill_2", {}),
    ("u3", "inv_1", {"A": "n2", "Y": "y[1]"}),
    ("u4", "inv_2", {"A": "b", "Y": "n3"}),
    ("u5", "nand2_1", {"A": "n3", "B": "y[0]", "Y": "y[2]"}),
)
PORTS = ("a", "b", "y[0]", "y[1]", "y[2]")
HEIGHT = 2720  # of a row
BANK_AT = (0, 30_000)
SUPPLIES = {"VPWR": "VPWR", "VPB": "VPWR", "VGND": "VGND", "VNB": "VGND"}


@dataclass(frozen=True)
class Block:
    """What checks of a chip take."""

    path: Path
    verilog: str
    stack: Stack
    boxes: dict[str, Pins]

    def layout(self) -> kdb.Layout:
        layout = kdb.Layout()
        layout.read(str(self.path))
        return layout


def make_block(folder: Path, cells: Path, pdk: Pdk) -> Block:
    """Place the cells in a row, wire them in channels above it, and write both as files."""
    layout = build_bank(BANK)
    bank = layout.cell(BANK.name)
    for kind in sorted({c for _, c, _ in CELLS}):
        layout.read(str(next(cells.glob(f"*/{LIBRARY}{kind}.gds"))))
    top = layout.create_cell(TOP)
    draw = _Pen(layout, top, pdk)
    tracks = {net: 4000 + 1000 * n for n, net in enumerate(_nets())}
    ends: dict[str, list[int]] = {net: [] for net in tracks}
    x = 0
    for _, kind, nets in CELLS:
        cell = layout.cell(LIBRARY + kind)
        top.insert(kdb.CellInstArray(cell.cell_index(), kdb.Trans(x, 0)))
        for pin, point in _pin_points(layout, cell, pdk, nets).items():
            draw.riser(x + point.x, point.y, tracks[nets[pin]])
            ends[nets[pin]].append(x + point.x)
        x += cell.bbox_per_layer(layout.layer(*pdk.layers["areaid_standardc"])).width()
    for net, places in ends.items():
        y = tracks[net]
        draw.box("met3", min(places) - 200, y - 150, max(places) + 200, y + 150)
        if net in PORTS:
            draw.label("met3", net, min(places), y)
    for net, y in (("VGND", 0), ("VPWR", HEIGHT)):
        draw.box("met1", 0, y - 240, x, y + 240)
        draw.label("met1", net, x // 2, y)
    top.insert(kdb.CellInstArray(bank.cell_index(), kdb.Trans(*BANK_AT)))
    path = folder / f"{TOP}.gds"
    options = kdb.SaveLayoutOptions()
    options.gds2_write_timestamps = False
    options.add_cell(top.cell_index())
    layout.write(str(path), options)
    pins = {LIBRARY + kind: tuple(SUPPLIES) for _, kind, _ in CELLS}
    for _, kind, nets in CELLS:
        pins[LIBRARY + kind] = (*nets, *SUPPLIES)
    lines = [f"BL[{n}]" for n in range(BANK.bit_lines)] + [f"WL[{n}]" for n in range(BANK.word_lines)]
    pins[BANK.name] = ("VPWR", "VGND", "PRE_N", *lines)
    return Block(path, _verilog(), stack_of(pdk), pins)


def _nets() -> list[str]:
    return sorted({net for _, _, nets in CELLS for net in nets.values()})


def _verilog() -> str:
    lines = [
        f"module {TOP} (a,",
        "    b,",
        "    VPWR,",
        "    VGND,",
        "    y);",
        " input a;",
        " input b;",
        " inout VPWR, VGND;",
        " output [2:0] y;",
        " wire n1;",
    ]
    for name, kind, nets in CELLS:
        pins = [f".{pin}({net})" for pin, net in {**nets, **SUPPLIES}.items()]
        lines.append(f" {LIBRARY}{kind} \\{name}.x  ({', '.join(pins)});")
    lines.append(f" {BANK.name} \\rom.bank0  (.VGND(VGND));")
    return "\n".join([*lines, "endmodule", ""])


def _pin_points(layout: kdb.Layout, cell: kdb.Cell, pdk: Pdk, pins: dict[str, str]) -> dict[str, kdb.Point]:
    """A label of each pin, so that risers of two pins stay apart."""
    index = layout.layer(*pdk.labels["li1"])
    texts = [(t.text_string, t.text_pos) for t in cell.shapes(index).each(kdb.Shapes.STexts)]
    choices = [sorted(p for name, p in texts if name == pin) for pin in pins]

    def apart(points: tuple[kdb.Point, ...]) -> bool:
        xs = sorted(p.x for p in points)
        return all(b - a >= 300 for a, b in itertools.pairwise(xs))

    return dict(zip(pins, next(filter(apart, itertools.product(*choices))), strict=True))


class _Pen:
    def __init__(self, layout: kdb.Layout, top: kdb.Cell, pdk: Pdk) -> None:
        self.layout, self.top, self.pdk = layout, top, pdk
        self.vias = {
            cut: self._via(cut, lower, upper, size)
            for cut, lower, upper, size in (
                ("mcon", "li1", "met1", 170),
                ("via", "met1", "met2", 150),
                ("via2", "met2", "met3", 200),
            )
        }

    def _via(self, cut: str, lower: str, upper: str, size: int) -> kdb.Cell:
        cell = self.layout.create_cell(f"VIA_{cut}")
        for layer, half in ((cut, size // 2), (lower, 85 if lower == "li1" else 140), (upper, 140)):
            cell.shapes(self.layout.layer(*self.pdk.layers[layer])).insert(kdb.Box(-half, -half, half, half))
        return cell

    def box(self, layer: str, *corners: int) -> None:
        self.top.shapes(self.layout.layer(*self.pdk.layers[layer])).insert(kdb.Box(*corners))

    def label(self, layer: str, text: str, x: int, y: int) -> None:
        self.top.shapes(self.layout.layer(*self.pdk.labels[layer])).insert(kdb.Text(text, x, y))

    def riser(self, x: int, y: int, track: int) -> None:
        """From a pin up to a track."""
        for cut, at in (("mcon", y), ("via", y), ("via2", track)):
            self.top.insert(kdb.CellInstArray(self.vias[cut].cell_index(), kdb.Trans(x, at)))
        self.box("met2", x - 70, y, x + 70, track)
