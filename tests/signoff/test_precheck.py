"""Faults of names, boundary, pins, labels and grid are found in a small block, and by the controls."""

import klayout.db as kdb
import pytest

from base_chip.bank.lef import macro_lef
from base_chip.bank.pins import BankPin, PinRect
from base_chip.pdk import load_pdk
from rtl_gen.errors import FlowError
from signoff.assembly.routed import Port, Routed
from signoff.precheck.layout import Chip, check_chip
from signoff.precheck.ports import read_ports

PDK = load_pdk("sky130")
WIRES = ("met1", "met2", "met5")
PORTS = {
    "clk": Port("INPUT", "SIGNAL", (("met2", kdb.Box(100, 9000, 300, 10000)),)),
    "q": Port("OUTPUT", "SIGNAL", (("met2", kdb.Box(2100, 9000, 2300, 10000)),)),
    "VPWR": Port("INOUT", "POWER", (("met5", kdb.Box(0, 2000, 20000, 4000)),)),
    "VGND": Port("INOUT", "GROUND", (("met5", kdb.Box(0, 6000, 20000, 8000)),)),
}
DIE = (20000, 10000)
ROWS = ("cell_names", "boundary", "pins", "labels", "off_grid")


def chip(ports=PORTS) -> Chip:
    layout = kdb.Layout()
    top, base, cell = (layout.create_cell(n) for n in ("chip", "base", "inv"))
    top.insert(kdb.CellInstArray(base.cell_index(), kdb.Trans()))
    base.insert(kdb.CellInstArray(cell.cell_index(), kdb.Trans(500, 500)))
    cell.shapes(layout.layer(*PDK.layers["met1"])).insert(kdb.Box(0, 0, 500, 500))
    base.shapes(layout.layer(*PDK.layers["prBoundary"])).insert(kdb.Box(0, 0, *DIE))
    for name, port in PORTS.items():
        for layer, box in port.shapes:
            for purpose in (PDK.layers, PDK.pins):
                base.shapes(layout.layer(*purpose[layer])).insert(box)
            text = kdb.Text(name, kdb.Trans(box.center().x, box.center().y))
            base.shapes(layout.layer(*PDK.labels[layer])).insert(text)
    wires, pins, labels = ({n: of[n] for n in WIRES} for of in (PDK.layers, PDK.pins, PDK.labels))
    directions = {"clk": "input", "q": "output"}
    return Chip(
        layout, "chip", "base", DIE, ports, directions, wires, pins, labels, PDK.layers["prBoundary"], 5
    )


def rows(make, folder):
    return {row.name: row for row in check_chip(make, folder)}


def test_a_good_block_passes_and_every_control_finds_its_faults(tmp_path):
    found = rows(chip, tmp_path)
    assert list(found) == [name + control for name in ROWS for control in ("", "_control")]
    assert {name: row.status for name, row in found.items()} == dict.fromkeys(found, "pass"), found
    assert (tmp_path / "pins.rpt").exists()


def draw(chip: Chip, layer: str, box: kdb.Box, purpose=PDK.layers) -> None:
    chip.cell().shapes(chip.layout.layer(*purpose[layer])).insert(box)


@pytest.mark.parametrize(
    ("plant", "row", "told"),
    [
        (lambda c: c.layout.create_cell("odd/name"), "cell_names", "top cells are chip, odd/name"),
        (
            lambda c: c.layout.rename_cell(c.layout.top_cell().cell_index(), "x"),
            "cell_names",
            "expected chip",
        ),
        (lambda c: draw(c, "prBoundary", kdb.Box(0, 0, 5, 5)), "boundary", "in 2 shapes"),
        (lambda c: draw(c, "met1", kdb.Box(-5, 0, 500, 500)), "boundary", "beyond the die"),
        (lambda c: draw(c, "met2", kdb.Box(0, 0, 100, 100), PDK.pins), "pins", "is no port"),
        (lambda c: c.cell().clear(c.layout.layer(*PDK.pins["met2"])), "pins", "is not drawn as a pin"),
        (lambda c: c.cell().clear(c.layout.layer(*PDK.labels["met5"])), "labels", "has no label"),
        (lambda c: draw(c, "met1", kdb.Box(0, 0, 502, 500)), "off_grid", "1 shapes of base on 68/20"),
    ],
)
def test_a_fault_is_found_in_its_row(plant, row, told, tmp_path):
    def make():
        faulty = chip()
        plant(faulty)
        return faulty

    found = rows(make, tmp_path)
    assert found[row].status == "fail"
    assert told in (tmp_path / f"{row}.rpt").read_text()


@pytest.mark.parametrize(
    ("port", "told"),
    [
        (Port("OUTPUT", "SIGNAL", PORTS["clk"].shapes), "pin clk is OUTPUT in the LEF, INPUT in the netlist"),
        (Port("INPUT", "ANALOG", PORTS["clk"].shapes), "pin clk has the use ANALOG"),
    ],
)
def test_use_and_direction_of_a_port_are_compared(port, told, tmp_path):
    rows(lambda: chip({**PORTS, "clk": port}), tmp_path)
    assert told in (tmp_path / "pins.rpt").read_text()


def test_ports_of_a_def_are_read_with_their_places():
    text = """
DESIGN x ;
UNITS DISTANCE MICRONS 1000 ;
PINS 2 ;
- VPWR + NET VPWR + SPECIAL + DIRECTION INOUT + USE POWER
  + PORT
    + LAYER met5 ( -100 -8 ) ( 100 8 )
    + LAYER met5 ( -100 92 ) ( 100 108 )
    + FIXED ( 1000 2000 ) N ;
- d\\[0\\] + NET d\\[0\\] + DIRECTION INPUT + USE SIGNAL
  + PORT + LAYER met3 ( -10 -3 ) ( 10 3 ) + PLACED ( 50 60 ) W ;
END PINS
"""
    ports = Routed(text, {}, {}).ports
    assert ports["VPWR"] == Port(
        "INOUT", "POWER", (("met5", kdb.Box(900, 1992, 1100, 2008)), ("met5", kdb.Box(900, 2092, 1100, 2108)))
    )
    assert ports["d[0]"] == Port("INPUT", "SIGNAL", (("met3", kdb.Box(47, 50, 53, 70)),))


LEF = """VERSION 5.7 ;
MACRO die
  SIZE 20.000 BY 10.000 ;
  PIN d[0]
    DIRECTION INPUT ;
    USE SIGNAL ;
    PORT
      LAYER met3 ;
        RECT 0.000 1.005 1.000 1.305 ;
    END
  END d[0]
  PIN VPWR
    DIRECTION INOUT ;
    USE POWER ;
    PORT
      LAYER met4 ;
        RECT 2.000 0.000 3.600 1.000 ;
        RECT 5.000 0.000 6.600 1.000 ;
      LAYER met5 ;
        RECT 0.000 4.000 1.000 5.600 ;
    END
  END VPWR
  OBS
    LAYER met1 ;
      RECT 0 0 20 10 ;
  END
END die
"""


def test_ports_of_a_lef_are_read_with_their_places():
    ports = read_ports(LEF, "die")
    assert ports["d[0]"] == Port("INPUT", "SIGNAL", (("met3", kdb.Box(0, 1005, 1000, 1305)),))
    assert ports["VPWR"].shapes == (
        ("met4", kdb.Box(2000, 0, 3600, 1000)),
        ("met4", kdb.Box(5000, 0, 6600, 1000)),
        ("met5", kdb.Box(0, 4000, 1000, 5600)),
    )


def test_what_the_writer_of_the_lef_wrote_is_read():
    pins = [
        BankPin("a", "INPUT", "SIGNAL", (PinRect("met3", 0, 5, 1000, 305),)),
        BankPin("VGND", "INOUT", "GROUND", (PinRect("met4", 0, 0, 5, 5), PinRect("met5", 5, 5, 10, 10))),
    ]
    ports = read_ports(macro_lef("die", DIE, pins, [], lambda pin: ()), "die")
    assert ports["a"] == Port("INPUT", "SIGNAL", (("met3", kdb.Box(0, 5, 1000, 305)),))
    assert ports["VGND"].shapes == (("met4", kdb.Box(0, 0, 5, 5)), ("met5", kdb.Box(5, 5, 10, 10)))


@pytest.mark.parametrize(
    "text", ["", LEF.replace("MACRO die", "MACRO other"), LEF.replace("    USE POWER ;\n", "")]
)
def test_a_lef_without_the_die_or_with_a_pin_cut_short_is_refused(text):
    with pytest.raises(FlowError, match="pins in the LEF of die"):
        read_ports(text, "die")
