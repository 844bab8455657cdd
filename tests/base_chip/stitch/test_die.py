"""A stitched die: where things are in its layout, and what its netlist, LEF and constraints say."""

import re
from dataclasses import replace

import klayout.db as kdb
import pytest

from base_chip.harden.constraints import die_sdc
from base_chip.pdk.margin import load_margin
from base_chip.stitch import plan_rows
from base_chip.stitch.layout import stitch_layout
from base_chip.stitch.netlist import die_lef, die_verilog
from base_chip.stitch.windows import PIECE, crossing, windows
from base_chip.stitch.wires import margin_wires
from flow.tasks.wiring import stack_of
from rtl_gen.errors import FlowError
from signoff.chip.netlist import extract, read_pins
from signoff.netlist import read_netlist
from signoff.seams import lvs
from tests.stitching import HEIGHT, PDK, WIDTH, die_of, view, write_tiles

EDGE = 30_000
MARGIN = load_margin(PDK)


@pytest.fixture(scope="module")
def plan():
    return plan_rows("pair", "sky130", [[view("rom"), view("rom")], [view("ram"), view("ram")]], EDGE)


@pytest.fixture(scope="module")
def drawn(plan, tmp_path_factory):
    return stitch_layout(
        plan, write_tiles([view("rom"), view("ram")], tmp_path_factory.mktemp("t")), PDK, MARGIN
    )


def merged(layout, cell, layer):
    return kdb.Region(cell.begin_shapes_rec(layout.layer(*PDK.layers[layer]))).merged()


def test_tiles_stand_side_by_side_in_a_die_with_a_margin(plan, drawn):
    layout, _ = drawn
    top = layout.top_cell()
    assert top.name == "scf_pair"
    assert plan.die == (2 * WIDTH + 2 * EDGE, 2 * HEIGHT + 2 * EDGE)
    assert top.bbox() == kdb.Box(0, 0, *plan.die)
    assert {(i.cell.name, i.trans.disp.x, i.trans.disp.y) for i in top.each_inst()} == {
        ("scf_rom_tile", EDGE, EDGE + HEIGHT),
        ("scf_rom_tile", EDGE + WIDTH, EDGE + HEIGHT),
        ("scf_ram_tile", EDGE, EDGE),
        ("scf_ram_tile", EDGE + WIDTH, EDGE),
    }


def test_straps_go_from_edge_to_edge(plan, drawn):
    layout, pins = drawn
    top = layout.top_cell()
    width, height = plan.die
    spans = {"met5": (0, width), "met4": (0, height)}
    for layer, (low, high) in spans.items():
        whole = [
            p.bbox()
            for p in merged(layout, top, layer).each()
            if (p.bbox().left, p.bbox().right) == (low, high)
            or (p.bbox().bottom, p.bbox().top) == (low, high)
        ]
        assert len(whole) >= 1, layer
    supplies = {p.name: p for p in pins if p.use != "SIGNAL"}
    assert set(supplies) == {"VPWR", "VGND"}
    # two straps across each tile, two rows and two columns, both ends
    assert [len(supplies[n].rects) for n in ("VPWR", "VGND")] == [2 * (2 * 2 + 3 * 2), 2 * (2 * 2 + 3 * 2)]
    for pin in supplies.values():
        for r in pin.rects:
            assert r.x0 == 0 or r.y0 == 0 or r.x1 == width or r.y1 == height


def test_pins_are_labelled_at_the_edge_that_their_tile_is_at(plan, drawn):
    layout, pins = drawn
    ports = {p.name: p for p in pins if p.use == "SIGNAL"}
    wanted = {
        bit
        for name, (_, width) in plan.die_ports().items()
        for bit in ([name] if width is None else [f"{name}[{n}]" for n in range(width)])
    }
    assert set(ports) == wanted
    assert {"clk", "rst", "row0_west_valid", "row1_west_payload[1]", "column1_south_payload[0]"} < wanted
    assert all(p.rects[0].x0 == 0 for n, p in ports.items() if n.startswith(("row", "clk", "rst")))
    assert all(p.rects[0].y0 == 0 for n, p in ports.items() if n.startswith("column"))
    assert {p.direction for n, p in ports.items() if n.startswith("column")} == {"OUTPUT"}
    texts = {
        s.text_string
        for layer in PDK.labels.values()
        for s in layout.top_cell().shapes(layout.layer(*layer)).each(kdb.Shapes.STexts)
    }
    assert texts == wanted | {"VPWR", "VGND"}


def test_the_netlist_joins_what_touches_and_ties_the_north(plan, tmp_path):
    (tmp_path / "die.v").write_text(die_verilog(plan))
    module = read_netlist(tmp_path / "die.v")
    assert module.name == "scf_pair"
    assert module.ports["row0_west_payload"] == ("input", (1, 0))
    a, b, c, d = (module.instances[n].pins for n in ("rom_0_0", "rom_0_1", "ram_1_0", "ram_1_1"))
    assert a["east_payload"] == b["west_payload"] != ("",)
    assert a["south_payload"] == c["north_payload"]
    assert b["south_valid"] == d["north_valid"]
    assert a["clk_east"] == b["clk"]
    assert a["clk"] == c["clk"] == ("clk",)
    assert a["north_payload"] == ("0", "0")
    assert b["clk_east"] == b["east_payload"] == ("",)
    assert d["south_payload"] == ("column1_south_payload[1]", "column1_south_payload[0]")


def test_lef_and_constraints_have_the_ports(plan, drawn):
    _, pins = drawn
    lef = die_lef(plan, pins, ["met1", "met2"])
    assert set(read_pins(lef)["scf_pair"]) == {p.name for p in pins}
    assert f"SIZE {plan.die[0] / 1000:.3f} BY {plan.die[1] / 1000:.3f} ;" in lef
    sdc = die_sdc("pair", 40, ["rst", "row0_west_valid"], ["column0_south_valid"])
    assert "create_clock -name clk -period 40 [get_ports clk]" in sdc
    assert "set_input_delay -max 10.0 -clock clk -clock_fall $inputs" in sdc
    assert "set_output_delay 10.0 -clock clk [get_ports {column0_south_valid*}]" in sdc


def test_a_port_of_one_tile_alone_is_one_of_the_die():
    tile = view("vec")
    host = {**tile.pins, "rx_valid": tile.pins["south_valid"]}
    one = type(tile)(tile.kind, tile.cell, tile.size, host, tile.straps, tile.source)
    assert "rx_valid" in plan_rows("x", "sky130", [[view("rom")], [one]], EDGE).die_ports()
    two = plan_rows("x", "sky130", [[view("rom"), view("rom")], [one, one]], EDGE)
    assert {"vec_1_0_rx_valid", "vec_1_1_rx_valid"} < set(two.die_ports())


def test_a_vec_tile_may_send_steps_to_more_rows_than_there_are():
    vec = view("vec", feeds=4)
    plan = plan_rows("fed", "sky130", [[view("rom")], [view("rom")], [view("ram")], [vec]], 40_000)
    joined = plan.joins(plan.tiles[-1])
    assert plan.joins(plan.tiles[1])["west_valid"].net == joined["west_rom_0_valid"].net
    assert plan.joins(plan.tiles[2])["west_valid"].net == joined["west_ram_0_valid"].net
    assert {joined[f"west_ram_{n}_valid"].role for n in (1, 2)} == {"open"}
    assert "row0_west_valid" in plan.die_ports()  # nothing sends steps to the northernmost


def test_steps_go_from_the_vec_tile_to_the_rows(tmp_path):
    vec = view("vec", feeds=2)
    plan = plan_rows("fed", "sky130", [[view("rom")], [view("ram")], [vec]], 40_000)
    (tmp_path / "die.v").write_text(die_verilog(plan))
    module = read_netlist(tmp_path / "die.v")
    pins = {name: i.pins for name, i in module.instances.items()}
    assert pins["vec_2_0"]["west_rom_0_payload"] == pins["rom_0_0"]["west_payload"] != ("",)
    assert pins["vec_2_0"]["west_ram_0_valid"] == pins["ram_1_0"]["west_valid"]
    assert set(module.ports) == {"clk", "rst", "column0_south_valid", "column0_south_payload"}
    lengths = margin_wires(plan, MARGIN)
    assert lengths["vec_2_0.clk"] == 40_000
    assert lengths["rom_0_0.clk"] == 40_000 + 2 * HEIGHT
    assert lengths["rom_0_0.west_valid"] > 2 * HEIGHT + 2 * MARGIN.clear
    layout, _ = stitch_layout(plan, write_tiles([view("rom"), view("ram"), vec], tmp_path), PDK, MARGIN)
    die = die_of(plan, tmp_path)
    assert lvs.compare(extract(layout, die.top, stack_of(PDK), die.pins).netlist, die) == []


def test_a_gate_sees_little_of_a_long_wire_until_met5(tmp_path):
    vec = view("vec", feeds=2)
    plan = plan_rows("fed", "sky130", [[view("rom")], [view("ram")], [vec]], 40_000)
    feed = replace(MARGIN.feed, longest=HEIGHT // 2)
    margin = replace(MARGIN, feed=feed)
    layout, _ = stitch_layout(plan, write_tiles([view("rom"), view("ram"), vec], tmp_path), PDK, margin)
    die = die_of(plan, tmp_path)
    assert lvs.compare(extract(layout, die.top, stack_of(PDK), die.pins).netlist, die) == []
    met4, met5 = (merged(layout, layout.top_cell(), layer) for layer in ("met4", "met5"))
    assert met5.space_check(1600).is_empty()
    assert met4.space_check(300).is_empty()
    feeds = met4 & kdb.Region(kdb.Box(0, 0, plan.array.left - MARGIN.clear + 1000, plan.die[1]))
    for sender, taker in plan.feeds:
        ends = [tile.view.pins[pin].box.moved(*tile.at).center().y for tile, pin in (sender, taker)]
        x = plan.array.left - MARGIN.clear - plan.feeds.index((sender, taker)) * feed.pitch
        at = [p for p in feeds.each() if p.bbox().contains(kdb.Point(x, ends[1]))]
        assert len(at) == 1
        assert at[0].bbox().height() < HEIGHT // 2 < abs(ends[0] - ends[1])


def test_every_kind_of_seam_and_of_margin_has_a_window(plan):
    found = windows(plan)
    assert list(found)[:3] == ["rom east of rom", "ram east of ram", "ram south of rom"]
    assert {n for n in found if n.startswith("margin")} == {
        f"margin {side} of {kind}"
        for kind, sides in {"rom": ("west", "north", "east"), "ram": ("west", "south", "east")}.items()
        for side in sides
    }
    assert sum(n.endswith("corner") for n in found) == 4
    seam = found["ram south of rom"]
    line = (EDGE + HEIGHT) / 1000
    assert (seam.bottom, seam.top) == pytest.approx((line - 3, line + 3))
    assert seam.width() == pytest.approx(WIDTH / 1000 + 6)


@pytest.mark.parametrize("side", ["east", "south"])
def test_the_piece_of_a_seam_that_is_shown_has_its_pins(plan, side):
    seam = next(s for s in plan.seams if s.side == side)
    box = crossing(seam)
    assert (box.width(), box.height()) == pytest.approx(PIECE)
    middle = box.center().x if side == "east" else box.center().y
    assert middle == pytest.approx(seam.line / 1000)
    into = "west_" if side == "east" else "north_"
    pins = [
        p.box.moved(*seam.second.at).to_dtype(0.001)
        for n, p in seam.second.view.pins.items()
        if n.startswith(into)
    ]
    assert pins
    assert all(box.contains(pin.center()) for pin in pins)


def test_the_layout_of_a_tile_must_be_there(plan, tmp_path):
    files = write_tiles([view("rom")], tmp_path)
    with pytest.raises(FlowError, match="no layout of tile ram"):
        stitch_layout(plan, files, PDK, MARGIN)
    with pytest.raises(FlowError, match="no cell scf_ram_tile in the layout of tile ram"):
        stitch_layout(plan, {**files, "ram": files["rom"]}, PDK, MARGIN)


def test_cells_of_one_name_must_be_one_cell(plan, tmp_path):
    files = write_tiles([view("rom"), view("ram")], tmp_path)
    for name, size in (("rom", 500), ("ram", 500)):
        layout = kdb.Layout()
        layout.read(str(files[name]))
        via = layout.create_cell("VIA_one")
        via.shapes(layout.layer(*PDK.layers["met1"])).insert(kdb.Box(0, 0, size, size))
        layout.cell(f"scf_{name}_tile").insert(kdb.CellInstArray(via.cell_index(), kdb.Trans(9000, 9000)))
        layout.write(str(files[name]))
    layout, _ = stitch_layout(plan, files, PDK, MARGIN)
    assert [c.name for c in layout.each_cell() if c.name.startswith("VIA_one")] == ["VIA_one"]
    layout = kdb.Layout()
    layout.read(str(files["ram"]))
    layout.cell("VIA_one").shapes(layout.layer(*PDK.layers["met1"])).insert(kdb.Box(0, 0, 600, 100))
    layout.write(str(files["ram"]))
    with pytest.raises(FlowError, match="cell VIA_one of tile rom is another than that of a tile before it"):
        stitch_layout(plan, files, PDK, MARGIN)


def test_the_same_die_is_the_same_bytes(plan, tmp_path):
    files = write_tiles([view("rom"), view("ram")], tmp_path)
    texts = [die_verilog(plan), die_verilog(plan)]
    assert texts[0] == texts[1]
    layouts = [stitch_layout(plan, files, PDK, MARGIN)[0] for _ in range(2)]
    from base_chip.bank.layout import write_layout

    for n, layout in enumerate(layouts):
        write_layout(layout, tmp_path / f"{n}.gds")
    assert (tmp_path / "0.gds").read_bytes() == (tmp_path / "1.gds").read_bytes()


def test_verilog_names_are_plain(plan):
    assert not re.search(r"\\", die_verilog(plan))
