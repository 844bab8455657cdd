"""A tile's floorplan: macros that do not meet, pins that do, and messages for one that cannot be."""

import itertools
import re
from dataclasses import replace
from importlib.resources import files

import pytest

from base_chip.harden.floorplan import check_macros
from base_chip.pdk import load_pdk
from base_chip.pdk.place_route import load_place_route
from base_chip.schema import digest
from base_chip.tiles import known_tiles, load_tile, macro_layouts, parse_tile, tile_block, tile_rtl, tile_size
from base_chip.tiles.floorplan import plan_tile
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.tiles.seams import CROSSINGS

FACTS = load_place_route(load_pdk("sky130"))
YAML = """
name: rom
kind: rom
pdk: sky130
size: {banks: 8, rows: 2, columns: 32}
pitches: [17, 17]
margin: [0.92, 2.72]
macros: {edge: 3, back: [4, 4], halo: [10, 4]}
layer_adjustment: {met1: 0.5, met2: 0.3, met3: 0.3, met4: 0.3, met5: 0.3}
clock_layer: met3
density: 0.6
dont_use: []
target_ns: 40
"""
MACRO = (100_100, 195_755)


def size_of_macro(block):
    (macro,) = block.memories
    return macro.size


@pytest.fixture(scope="module")
def rom():
    return tile_block(load_tile("rom"), FACTS)


def test_tiles_are_listed():
    assert "rom" in known_tiles()
    with pytest.raises(FlowError, match="unknown tile 'ram2'; known: ") as e:
        load_tile("ram2")
    assert e.value.code == ExitCode.USAGE


def test_the_rom_tile_keeps_its_aim_of_area(rom):
    assert rom.die[0] * rom.die[1] / load_tile("rom").size.rom().weights <= 4.6


def test_macros_lie_in_the_core_and_apart(rom):
    check_macros(rom)
    assert len(rom.places) == 32


def test_outputs_of_macros_look_at_cells_and_addresses_at_their_channel(rom):
    plan = plan_tile(load_tile("rom"), size_of_macro(rom), FACTS)
    height, width = size_of_macro(rom)[1] / 1000, size_of_macro(rom)[0] / 1000
    for place in rom.places.values():
        outputs = place.y + (height if place.orient in ("R180", "MX") else 0)
        addresses = place.x + (width if place.orient in ("R180", "MY") else 0)
        assert any(outputs == pytest.approx(edge) for region in plan.regions for edge in region)
        assert any(addresses == pytest.approx(edge) for channel in plan.channels for edge in channel)


def test_an_origin_is_the_corner_that_the_flip_puts_it_to(rom):
    width, height = (v / 1000 for v in size_of_macro(rom))
    for name, place in rom.places.items():
        dx, dy = {"R0": (0, 0), "MY": (width, 0), "MX": (0, height), "R180": (width, height)}[place.orient]
        assert rom.origins()[name] == pytest.approx((place.x + dx, place.y + dy))


def test_every_port_has_a_pin_at_its_edge(rom):
    text = tile_rtl(load_tile("rom")).split("module scf_rom_tile(")[1]
    ports = [w.strip() for w in text.split(")")[0].split(",")]
    wide = {n: int(high) + 1 for high, n in re.findall(r"^ +(?:in|out)put \[(\d+):0\] (\w+);", text, re.M)}
    names = [f"{p}[{n}]" for p in ports if p in wide for n in range(wide[p])] + [
        p for p in ports if p not in wide
    ]
    assert sorted(rom.pins) == sorted(names)


def test_pins_that_meet_are_opposite_on_the_same_track_and_no_two_touch(rom):
    width, height = rom.die
    for side, crossing in CROSSINGS.items():
        for out, into in crossing:
            for name in (n for n in rom.pins if n.partition("[")[0] == out):
                a, b = rom.pins[name], rom.pins[name.replace(out, into, 1)]
                assert a.layer == b.layer
                if side == "east":
                    assert (a.bottom, a.top, a.right, b.left) == (b.bottom, b.top, width, 0)
                else:
                    assert (a.left, a.right, a.bottom, b.top) == (b.left, b.right, 0, height)
    tracks = [(p.layer, p.left, p.bottom) for p in rom.pins.values()]
    assert len(set(tracks)) == len(tracks)
    for axis, layer in ((1, "met3"), (0, "met2")):
        at = sorted({p[1 + axis] for p in tracks if p[0] == layer})
        assert min(b - a for a, b in itertools.pairwise(at)) > 0.6


@pytest.fixture(scope="module")
def ram():
    return tile_block(load_tile("ram"), FACTS)


@pytest.fixture(scope="module")
def vec():
    return tile_block(load_tile("vec"), FACTS)


@pytest.mark.parametrize("kind", ["ram", "vec"])
def test_tiles_of_a_column_share_their_width_and_where_sums_cross(rom, kind, request):
    tile = request.getfixturevalue(kind)
    assert tile_size(kind)[0] == tile_size("rom")[0]
    assert tile.die == tuple(v / 1000 for v in tile_size(kind))
    check_macros(tile)
    for out, into in CROSSINGS["south"]:
        for name in (n for n in rom.pins if n.partition("[")[0] == out):
            a, b = rom.pins[name], tile.pins[name.replace(out, into, 1)]
            assert (a.layer, a.left, a.right, a.bottom, b.top) == (b.layer, b.left, b.right, 0, tile.die[1])


def test_steps_and_the_hosts_bytes_are_at_the_west_edge_of_the_vec_tile(vec):
    size = load_tile("vec").size
    west = {name.partition("[")[0] for name, pin in vec.pins.items() if pin.left == 0 and pin.layer == "met3"}
    steps = {
        f"west_{kind}_{r}_{part}"
        for kind, rows in (("rom", size.rom_rows), ("ram", size.ram_rows))
        for r in range(rows)
        for part in ("valid", "payload")
    }
    host = {f"{way}_{part}" for way in ("rx", "tx") for part in ("valid", "ready", "payload")}
    assert west == steps | host | {"clk", "rst"}
    outputs = {name.partition("[")[0] for name, pin in vec.pins.items() if pin.output}
    assert outputs == steps | {"tx_valid", "tx_payload", "rx_ready"}


def test_a_vec_tile_has_macros_of_three_kinds(vec):
    names = {name: vec.macros[name].name for name in vec.places}
    assert names == {
        **{f"program_{n}.macro": "scf_rom_256x128" for n in range(5)},
        **{f"rom_{n}.macro": "scf_rom_256x128" for n in range(3)},
        **{f"memory_{n}.macro": "scf_ram_128x96" for n in range(2)},
        **{f"rom_inputs_{n}.macro": "scf_ram_64x16" for n in range(2)},
        "ram_inputs_0.macro": "scf_ram_128x16",
    }  # fmt: skip
    kinds = ["scf_ram_128x16", "scf_ram_128x96", "scf_ram_64x16", "scf_rom_256x128"]
    assert [m.name for m in vec.memories] == kinds
    assert {layout.top_cell().name for layout in macro_layouts(load_tile("vec"))} == set(names.values())
    origin = vec.origins()["program_1.macro"]
    assert origin[1] == pytest.approx(vec.places["program_1.macro"].y + 195.675, abs=0.1)  # MX


def test_macros_lie_where_the_file_says_and_leave_the_widest_part_to_steps(ram):
    check_macros(ram)
    (width, height), low, high = ram.die, ram.places["bank0.macro"], ram.places["bank1.macro"]
    (macro,) = ram.memories
    assert (low.orient, high.orient) == ("MX", "R0")
    assert low.x == high.x == pytest.approx(width - 4 - macro.size[0] / 1000)
    assert (low.y, high.y) == (12, pytest.approx(height - 12 - macro.size[1] / 1000))
    steps = [p for n, p in ram.pins.items() if n.startswith(("west_", "east_"))]
    assert all(low.y + macro.size[1] / 1000 < p.bottom and p.top < high.y for p in steps)


def test_pins_know_their_direction(rom, ram):
    for block in (rom, ram):
        outputs = {name.partition("[")[0] for name, pin in block.pins.items() if pin.output}
        assert outputs == {out for pairs in CROSSINGS.values() for out, _ in pairs}


def test_a_tile_without_a_place_for_each_macro_is_refused():
    text = files("base_chip.tiles").joinpath("ram.yaml").read_text("utf-8")
    tile = parse_tile(text.replace("bank1.macro", "bank2.macro"), where="tiles/ram.yaml")
    with pytest.raises(FlowError, match=r"macros is .*bank2.* expected a place for .*bank1") as e:
        tile_block(tile, FACTS)
    assert e.value.where == "tiles/ram.yaml"


def test_the_digest_of_a_tile_follows_the_rom_tiles_width(ram, monkeypatch):
    narrow = load_tile("rom")
    narrow = replace(narrow, pitches=(narrow.pitches[0] - 1, narrow.pitches[1]))
    monkeypatch.setattr("base_chip.tiles.block.load_tile", lambda name: narrow)
    assert tile_block(load_tile("ram"), FACTS).digest != ram.digest


def test_straps_of_neighbours_go_on_at_the_same_pitch(rom):
    for um, pitch in zip(
        rom.die, (FACTS.strap_pitch["vertical"], FACTS.strap_pitch["horizontal"]), strict=True
    ):
        assert um / pitch == pytest.approx(round(um / pitch))
    grid = (FACTS.scripts / "power_grid.tcl").read_text()
    for direction, layer in (("vertical", "met4"), ("horizontal", "met5")):
        assert f"-layer {layer} -width 1.6 -pitch {FACTS.strap_pitch[direction]:g} " in grid


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("pitches: [17, 17]", "pitches: [16, 17]", r"channels of .* um, at least 16 um are needed"),
        ("pitches: [17, 17]", "pitches: [17, 16]", r"regions of cells of .* um, at least 40 um are needed"),
        ("banks: 8", "banks: 4", "2 banks a row, they stand by fours"),
    ],
)
def test_a_floorplan_without_room_is_refused(old, new, says):
    assert plan_tile(parse_tile(YAML, where="x"), MACRO, FACTS).die[0] > 0
    with pytest.raises(FlowError, match=says) as e:
        plan_tile(parse_tile(YAML.replace(old, new), where="x"), MACRO, FACTS)
    assert (e.value.where, e.value.code) == ("tile rom", ExitCode.BAD_INPUT)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("density: 0.6", "density: 1.5", "density is 1.5, expected"),
        ("density: 0.6", "thickness: 0.6", "field thickness is 0.6, expected no such field"),
        ("banks: 8", "banks: '8'", r"size\.banks is '8', expected a whole number"),
        ("banks: 8", "banks: 6", r"size is .*banks of a rom tile must be a power of two, got 6"),
        ("kind: rom", "kind: cpu", "kind is 'cpu', expected one of rom, ram, vec"),
        ("name: rom", "name: [", "not YAML"),
        (YAML, "", "the file is None, expected"),
    ],
)
def test_a_config_that_is_not_one_says_where(old, new, says):
    with pytest.raises(FlowError, match=says) as e:
        parse_tile(YAML.replace(old, new), where="tiles/x.yaml")
    assert (e.value.where, e.value.code) == ("tiles/x.yaml", ExitCode.BAD_INPUT)


def test_the_digest_is_of_what_the_file_says():
    tile = parse_tile(YAML, where="x")
    assert digest(tile) == digest(parse_tile(YAML + "# a comment\n", where="x"))
    assert digest(tile) != digest(parse_tile(YAML.replace("0.6", "0.61"), where="x"))
