"""A small rom tile through place and route: its seams, its macros, its straps."""

import json
import re
import shutil

import msgspec
import pytest

from base_chip.arrays.spec import RomSpec
from base_chip.arrays.timing import load_timing
from base_chip.pdk import load_pdk
from base_chip.pdk.place_route import load_place_route
from base_chip.tiles import parse_tile, tile_block, tile_rtl
from flow.hardening.run import harden
from flow.hardening.synthesis import CORNER

pytestmark = pytest.mark.flow
FACTS = load_place_route(load_pdk("sky130"))
TILE = parse_tile(
    """
name: tiny
pdk: sky130
size: {banks: 4, rows: 1, columns: 8}
pitches: [10, 26]
margin: [0.92, 2.72]
macros: {edge: 3, back: 4, halo: [10, 4]}
density: 0.4
target_ns: 50
""",
    where="tiny.yaml",
)


@pytest.fixture(scope="module")
def tile(tmp_path_factory, pdk_kit):
    """The block, and its artifact; the macro of 32 bits is given the timing of the one of 128."""
    if shutil.which("openroad") is None:
        pytest.skip("no openroad on PATH")
    if CORNER not in pdk_kit.liberty or not pdk_kit.extraction:
        pytest.skip("no liberty or no extraction rules (SCF_LIBERTY_DIR or lambdapdk)")
    timing = msgspec.structs.replace(load_timing(RomSpec(256, 128)), bits=32)
    block = tile_block(TILE, FACTS, timing)
    folder = tmp_path_factory.mktemp("tile")
    made = harden(block, tile_rtl(TILE), folder / "work", folder / "out", jobs=1, say=print)
    return block, made


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


def test_straps_go_through_from_edge_to_edge(tile):
    block, made = tile
    width = round(block.die[0] * 1000)
    text = made.content("layout.def").decode()
    straps = re.findall(r"met5 1600 \+ SHAPE STRIPE \( (\d+) \d+ \) \( (\d+) \d+ \)", text)
    assert len(straps) >= 2 * TILE.pitches[1] - 1
    assert {(min(map(int, ends)), max(map(int, ends))) for ends in straps} == {(0, width)}
