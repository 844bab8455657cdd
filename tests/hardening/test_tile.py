"""A small rom tile through place and route: its seams, its macros, its straps."""

import json
import re
from collections import defaultdict

import pytest

from signoff.netlist import read_netlist
from tests.tiny_tile import TILE

pytestmark = pytest.mark.flow


def test_it_is_routed_without_a_violation(tile):
    _, made = tile
    steps = json.loads(made.content("reports.json"))["steps"]
    assert steps["route.detailed"]["drcs"] == 0
    assert steps["write.views"]["holdslack"] > 0


def test_macros_lie_where_the_floorplan_says(tile):
    block, made = tile
    names = {"N": "R0", "S": "R180", "FS": "MX", "FN": "MY"}
    placed = re.findall(
        r"- (bank\d+\.macro) \w+ \+ FIXED \( (\d+) (\d+) \) (\w+)", made.content("layout.def").decode()
    )
    found = {name: (int(x), int(y), names[way]) for name, x, y, way in placed}
    assert found == {n: (round(p.x * 1000), round(p.y * 1000), p.orient) for n, p in block.places.items()}


def test_pins_lie_where_the_floorplan_says(tile):
    block, made = tile
    text = made.content("layout.def").decode()
    pattern = (
        r"- (\S+) \+ NET \S+ \+ DIRECTION \w+ \+ USE SIGNAL\s+\+ PORT\s+"
        r"\+ LAYER (\w+) \( (-?\d+) (-?\d+) \) \( (-?\d+) (-?\d+) \)\s+\+ \w+ \( (\d+) (\d+) \) N"
    )
    found = {}
    for name, layer, *numbers in re.findall(pattern, text):
        x0, y0, x1, y1, x, y = map(int, numbers)
        found[name.replace("\\", "")] = (layer, x + x0, y + y0, x + x1, y + y1)
    wanted = {
        name: (p.layer, *(round(v * 1000) for v in (p.left, p.bottom, p.right, p.top)))
        for name, p in block.pins.items()
    }
    assert found == wanted


def test_an_input_goes_to_a_large_gate_and_a_diode_and_nowhere_else(tile, tmp_path):
    block, made = tile
    (tmp_path / "netlist.v").write_bytes(made.content("netlist.v"))
    module = read_netlist(tmp_path / "netlist.v")
    loads = defaultdict(list)
    for instance in module.instances.values():
        for pin, nets in instance.pins.items():
            for net in nets:
                loads[net].append(f"{instance.cell.removeprefix('sky130_fd_sc_hd__')}/{pin}")
    inputs = {name for name, pin in block.pins.items() if not pin.output}
    assert "diode_2/DIODE" in loads["clk"]
    for name in inputs - {"clk"}:
        assert set(loads[name]) == {"buf_6/A", "diode_2/DIODE"}, name
        assert loads[name].count("buf_6/A") == 1


def test_straps_go_through_from_edge_to_edge(tile):
    block, made = tile
    width = round(block.die[0] * 1000)
    text = made.content("layout.def").decode()
    straps = re.findall(r"met5 1600 \+ SHAPE STRIPE \( (\d+) \d+ \) \( (\d+) \d+ \)", text)
    assert len(straps) >= 2 * TILE.pitches[1] - 1
    assert {(min(map(int, ends)), max(map(int, ends))) for ends in straps} == {(0, width)}
