"""Whole-chip LVS and antennas on a block of kit cells."""

import shutil

import klayout.db as kdb
import pytest

from base_chip.bank import SiteGrid
from base_chip.pdk.checks import load_checks
from flow.pdk.magic_tech import tech_for_magic
from rtl_gen.errors import FlowError
from signoff import antenna, lvs_cells, lvs_chip
from signoff.chip.netlist import extract
from signoff.chip.verilog import chip_netlist
from signoff.eda import MAGIC
from signoff.netlist import read_netlist
from tests.signoff.routed_block import BANK, BANK_AT, LIBRARY, TOP, Block, make_block

NETGEN = pytest.mark.skipif(shutil.which("netgen-lvs") is None, reason="netgen-lvs is not on PATH")


@pytest.fixture(scope="session")
def block(tmp_path_factory, kit_cells, sky130) -> Block:
    return make_block(tmp_path_factory.mktemp("block"), kit_cells, sky130)


def layer(layout: kdb.Layout, block: Block, name: str) -> kdb.Shapes:
    return layout.cell(TOP).shapes(layout.layer(*block.stack.layers[name]))


def netlist_of(block, verilog, folder):
    (folder / "netlist.v").write_text(verilog)
    return chip_netlist(read_netlist(folder / "netlist.v"), TOP, block.boxes)


def test_layout_and_netlist_have_the_same_cells_nets_and_ports(block, tmp_path):
    found = extract(block.layout(), TOP, block.stack, block.boxes).netlist
    wanted = netlist_of(block, block.verilog, tmp_path)
    assert found.faults == wanted.faults == []
    assert found.ports == wanted.ports == ("VGND", "VPWR", "a", "b", "y[0]", "y[1]", "y[2]")
    assert found.kinds() == wanted.kinds()
    assert len(found.nets) == len(wanted.nets)
    tap = next(i for i in found.instances if "tap" in i.cell)
    assert tap.nets == {"VPWR": "VPWR", "VPB": "VPWR", "VGND": "VGND", "VNB": "VGND"}


def test_cells_below_another_level_are_found_where_they_are(block):
    layout = block.layout()
    chip = layout.create_cell("chip")
    chip.insert(kdb.CellInstArray(layout.cell(TOP).cell_index(), kdb.Trans(kdb.Trans.R90, 5000, 7000)))
    flat = extract(block.layout(), TOP, block.stack, block.boxes).netlist
    found = extract(layout, "chip", block.stack, block.boxes, name=TOP).netlist
    assert (found.ports, found.kinds(), found.faults) == (flat.ports, flat.kinds(), [])
    places = {(5000 - y, 7000 + x) for x, y in (i.place for i in flat.instances)}
    assert {i.place for i in found.instances} == places


@pytest.mark.parametrize(
    ("metal", "box", "told"),
    [
        ("met3", (0, 4000, 300, 9000), "short of a and b"),
        ("met1", (0, -240, 300, 2960), "short of VGND and VPWR"),
    ],
)
def test_a_short_of_labelled_nets_is_told_by_their_names(block, metal, box, told):
    layout = block.layout()
    layer(layout, block, metal).insert(kdb.Box(*box))
    if metal == "met3":
        layer(layout, block, "met3").insert(kdb.Box(0, 3900, 20000, 5100))
    assert told in extract(layout, TOP, block.stack, block.boxes).netlist.faults


def test_a_supply_in_two_pieces_is_told(block):
    layout = block.layout()
    top = layout.cell(TOP)
    right = top.bbox().right
    layer(layout, block, "met1").insert(kdb.Box(right + 1000, 0, right + 2000, 480))
    labels = top.shapes(layout.layer(*block.stack.labels["met1"]))
    labels.insert(kdb.Text("VPWR", right + 1500, 100))
    assert "VPWR is in 2 pieces" in extract(layout, TOP, block.stack, block.boxes).netlist.faults


def test_a_wire_that_touches_the_inside_of_a_cell_is_told(block):
    layout = block.layout()
    bank = layout.cell(BANK.name)
    sites = SiteGrid.of(BANK)
    x, y = int(sites.x[3]) + BANK_AT[0], int(sites.y[2]) + BANK_AT[1]
    layer(layout, block, "met2").insert(kdb.Box(x - 100, y - 100, x + 100, y + 100))
    faults = extract(layout, TOP, block.stack, block.boxes).netlist.faults
    assert [f for f in faults if f.startswith("a wire touches") and f.endswith(bank.name)]


def test_no_cell_no_box_no_answer(block):
    with pytest.raises(FlowError, match="no cell other"):
        extract(block.layout(), "other", block.stack, block.boxes)
    with pytest.raises(FlowError, match="none of the 1 known"):
        extract(block.layout(), TOP, block.stack, {"other": ()})


@pytest.mark.flow
@NETGEN
def test_the_block_matches_and_every_planted_fault_is_found(block, pdk_kit, tmp_path):
    netlist = netlist_of(block, block.verilog, tmp_path)
    row, control = lvs_chip.run(
        block.layout(), TOP, netlist, block.stack, block.boxes, pdk_kit.path("netgen_setup"), tmp_path
    )
    assert (row.status, row.count) == ("pass", 0), row
    assert (control.status, control.count) == ("pass", 0), control
    assert control.detail == "found: an open, a short, two swapped ports, two swapped pins of a cell"


@pytest.mark.flow
@NETGEN
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (".A(n2), .B(a)", ".A(a), .B(n2)"),
        (".A(n3), .B(y[0])", ".A(n3), .B(y[1])"),
        (f"{LIBRARY}inv_2", f"{LIBRARY}inv_1"),
        (".A(b), .Y(n3)", ".A(a), .Y(n3)"),
    ],
)
def test_another_netlist_is_a_mismatch(block, pdk_kit, tmp_path, old, new):
    assert block.verilog.count(old) == 1
    netlist = netlist_of(block, block.verilog.replace(old, new), tmp_path)
    row, _ = lvs_chip.run(
        block.layout(), TOP, netlist, block.stack, block.boxes, pdk_kit.path("netgen_setup"), tmp_path
    )
    assert row.status == "fail"
    assert row.count


@pytest.mark.flow
@NETGEN
def test_the_cells_match_down_to_transistors(block, pdk_kit, kit_cells, sky130, tmp_path):
    facts = load_checks(sky130)
    tech = tech_for_magic(pdk_kit.path("magic_tech"), MAGIC.version() or "8.3.411")
    netlists = {p.stem: p for p in kit_cells.glob("*/*.spice")}
    where = (
        lvs_cells.Narrow(facts.narrow.width, facts.narrow.models),
        tech,
        pdk_kit.path("netgen_setup"),
        tmp_path,
    )
    diodes = lvs_cells.Diodes(sky130.layers["diff"], sky130.layers["areaid_diode"])
    row, control = lvs_cells.run(block.layout(), netlists, *where, diodes=diodes)
    assert (row.status, control.status) == ("pass", "pass"), (row, control)
    assert row.detail == "6 kinds of cell match down to transistors, 2 of them have none"
    wrong = tmp_path / f"{LIBRARY}inv_1.spice.wrong"
    wrong.write_text(netlists[f"{LIBRARY}inv_1"].read_text().replace("w=650000u", "w=750000u"))
    row, _ = lvs_cells.run(block.layout(), netlists | {f"{LIBRARY}inv_1": wrong}, *where, diodes=diodes)
    assert (row.status, row.count) == ("fail", 1)
    assert "inv_1" in row.detail


@pytest.mark.flow
@NETGEN
@pytest.mark.parametrize(
    ("old", "new", "count"),
    [
        ("perim=2.64e+06", "perim=2.64e+06", 0),
        ("perim=2.64e+06", "perim=5.36e+06", 1),
        ("area=4.347e+11", "area=4.8e+11", 1),
    ],
)
def test_a_diode_has_its_area_and_perimeter(pdk_kit, kit_cells, sky130, tmp_path, old, new, count):
    kind, facts = f"{LIBRARY}diode_2", load_checks(sky130)
    layout = kdb.Layout()
    top = layout.create_cell(TOP)
    for name in (kind, f"{LIBRARY}nand2_1"):  # the control needs a cell with two pins to swap
        layout.read(str(next(kit_cells.glob(f"*/{name}.gds"))))
        top.insert(kdb.CellInstArray(layout.cell(name).cell_index(), kdb.Trans()))
    netlists = {p.stem: p for p in kit_cells.glob("*/*.spice")}
    wanted = tmp_path / f"{kind}.wanted"
    wanted.write_text(netlists[kind].read_text().replace(old, new))
    row, control = lvs_cells.run(
        layout,
        netlists | {kind: wanted},
        lvs_cells.Narrow(facts.narrow.width, facts.narrow.models),
        tech_for_magic(pdk_kit.path("magic_tech"), MAGIC.version() or "8.3.411"),
        pdk_kit.path("netgen_setup"),
        tmp_path / "run",
        diodes=lvs_cells.Diodes(sky130.layers["diff"], sky130.layers["areaid_diode"]),
    )
    assert (row.count, control.status) == (count, "pass"), (row, control)


def antenna_rules(sky130) -> dict[str, antenna.Rule]:
    return {n: antenna.Rule(r.thickness, r.limit) for n, r in load_checks(sky130).antenna.items()}


def test_the_block_has_no_antennas_until_a_gate_gets_a_long_wire(block, sky130):
    rules = antenna_rules(sky130)
    row, control = antenna.run(block.layout(), TOP, block.stack, rules)
    assert (row.status, control.status) == ("pass", "pass"), (row, control)
    layout = block.layout()
    layer(layout, block, "met3").insert(kdb.Box(0, 3850, 200_000, 4150))  # the track of net a
    row, _ = antenna.run(layout, TOP, block.stack, rules)
    assert row.status == "fail"
    assert row.detail.startswith("met3 of net a at")


def test_layers_that_cannot_be_too_much_are_not_extracted(block, sky130, monkeypatch):
    extracted = []

    class Seen(antenna.Wiring):
        def __init__(self, *args, upto, **more) -> None:
            extracted.append(upto)
            super().__init__(*args, upto=upto, **more)

    monkeypatch.setattr(antenna, "Wiring", Seen)
    layout, rules = block.layout(), antenna_rules(sky130)
    top = layout.cell(TOP)
    layer(layout, block, "met4").insert(kdb.Box(0, 20_000, 200_000, 20_300))
    layer(layout, block, "met5").insert(kdb.Box(0, 20_000, 400_000, 21_600))  # on nothing
    assert not list(antenna.find(layout, top, block.stack, rules))
    assert "met5" not in extracted
    for name in ("met3", "via3"):  # the track of net a, which has gates
        layer(layout, block, name).insert(kdb.Box(0, 3900, 200, 4100))
    layer(layout, block, "met3").insert(kdb.Box(0, 3850, 20_000, 4150))
    layer(layout, block, "met4").insert(kdb.Box(0, 3900, 200, 20_300))
    layer(layout, block, "via4").insert(kdb.Box(0, 20_000, 200, 20_200))
    extracted.clear()
    found = {v.layer for v in antenna.find(layout, top, block.stack, rules)}
    assert extracted == ["li1", "met1", "met2", "met3", "met4", "met5"]
    assert found >= {"met4", "met5"}


def test_a_limit_rises_with_diffusion():
    rule = antenna.Rule(0.35, ((0, 400), (0.0125, 400), (0.0225, 2609), (22.5, 11600)))
    assert [rule.allowed(x) for x in (0, 0.0125, 0.0225, 22.5)] == [400, 400, 2609, 11600]
    assert rule.allowed(0.0175) == pytest.approx(1504.5)
    assert rule.allowed(1022.5) == pytest.approx(11600 + 400 * 1000, rel=1e-3)


def test_a_control_that_finds_nothing_fails(block, sky130, monkeypatch):
    monkeypatch.setattr(antenna, "find", lambda *a: iter(()))
    row, control = antenna.run(block.layout(), TOP, block.stack, antenna_rules(sky130))
    assert (row.status, control.status) == ("pass", "fail")
    assert "not found: met3" in control.reason


def test_antenna_facts_are_those_of_the_tech_lef(sky130, pdk_kit):
    import re

    text = pdk_kit.path("tech_lef").read_text()
    for name, rule in load_checks(sky130).antenna.items():
        body = re.search(rf"^LAYER {name}$(.*?)^END {name}$", text, re.S | re.M).group(1)
        points = re.search(r"ANTENNADIFF(?:SIDE)?AREARATIO PWL \((.*?)\) ;", body).group(1)
        told = re.findall(r"\( ([\d.]+) ([\d.]+) \)", points)
        assert tuple((float(a), float(b)) for a, b in told) == rule.limit
        thick = re.search(r"^\s*THICKNESS ([\d.]+)", body, re.M)
        assert rule.thickness == (float(thick.group(1)) if thick else 0)
