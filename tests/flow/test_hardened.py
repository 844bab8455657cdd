"""Steps that make the chip's base from the hardened artifact, on a small base with a small artifact."""

import json
from dataclasses import replace

import klayout.db as kdb
import pytest

from base_chip.bank import BankSpec
from base_chip.bank.views import write_views
from base_chip.config import Floorplan, load_base
from base_chip.harden.artifact import FILES, Bindings, HardenedBase
from base_chip.harden.block import base_block
from base_chip.harden.cells import cell_lef
from base_chip.harden.floorplan import core_used_percent
from base_chip.pdk import load_pdk
from base_chip.pdk.place_route import load_place_route
from flow.pdk.files import PdkFiles
from flow.request import BuildConfig
from flow.tasks.base import BaseTask
from flow.tasks.harden import HardenTask
from flow.tasks.step import Job
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.rom import RomGeometry

P = "sky130_fd_sc_hd__"
RTL = "module scf_nano(input clk); endmodule\n"
SMALL = replace(
    load_base("nano"),
    rom=RomGeometry(banks=2, word_lines=8, bits=4, mux=4),
    floorplan=Floorplan(die=(80.0, 60.0), banks=((11.04, 16.32), (46.0, 16.32))),
)
BANK = BankSpec.of(SMALL.rom, SMALL.pdk)
FACTS = load_place_route(load_pdk(SMALL.pdk))
# A wire from met2 to met3 and back to the other bank's word line: its vias are on the program layer
DEF = f"""VERSION 5.8 ;
DIVIDERCHAR "/" ;
BUSBITCHARS "[]" ;
DESIGN scf_nano ;
UNITS DISTANCE MICRONS 1000 ;
DIEAREA ( 0 0 ) ( 80000 60000 ) ;
COMPONENTS 3 ;
    - u0 {P}inv_1 + PLACED ( 5060 2720 ) N ;
    - rom.bank0 {BANK.name} + FIXED ( 11040 16320 ) N ;
    - rom.bank1 {BANK.name} + FIXED ( 46000 16320 ) N ;
END COMPONENTS
NETS 1 ;
    - n ( u0 Y ) + USE SIGNAL
      + ROUTED met2 ( 6000 4000 ) ( * 8000 ) M2M3_PR
        NEW met3 ( 6000 8000 ) ( 9000 * ) M2M3_PR ;
END NETS
END DESIGN
"""
NETLIST = f"module scf_nano(a, y);\n input a;\n output y;\n {P}inv_1 u0 (.A(a),\n    .Y(y));\nendmodule\n"
REPORTS = {"base": "nano", "steps": {
    "place.global": {"wirelength": 1.0}, "route.detailed": {"wirelength": 21.5, "drcs": 0, "drvs": 7},
}}  # fmt: skip


@pytest.fixture
def cells(tmp_path):
    """A kit of one cell."""
    folder = tmp_path / "cells" / "inv"
    folder.mkdir(parents=True)
    (folder / f"{P}inv_1.lef").write_text(f"MACRO {P}inv_1\n  SIZE  1.38 BY  2.72 ;\nEND {P}inv_1\n")
    return folder.parent


@pytest.fixture
def artifact(tmp_path, monkeypatch, cells):
    """Writes an artifact of the small base into the place where builds look for it."""
    monkeypatch.setattr("base_chip.config.load_base", lambda name: SMALL)
    home = tmp_path / "hardened"
    monkeypatch.setattr(HardenedBase, "home", staticmethod(lambda base: home))

    def make(**products: str) -> HardenedBase:
        texts = {name: name for name in FILES} | {"reports.json": json.dumps(REPORTS), "layout.def": DEF}
        texts |= {"mapped.v": NETLIST, "netlist.v": NETLIST}
        texts |= {name.replace("_", "."): text for name, text in products.items()}
        now = Bindings.now(base_block(SMALL, FACTS), RTL, cell_lef(cells, FACTS.library))
        content = {name: text.encode() for name, text in texts.items()}
        return HardenedBase.write(home, content, now, {"openroad": "26Q3", "yosys": "0.70"}, {})

    return make


def job(tmp_path, files, **inputs) -> Job:
    out, scratch = tmp_path / "out", tmp_path / "scratch"
    for folder in (out, scratch):
        folder.mkdir(exist_ok=True)
    pdk = PdkFiles("sky130", files, {}, {}, {}, {})
    return Job(BuildConfig("m", "", ""), pdk, inputs, out, scratch, tmp_path, print)


def harden(tmp_path, cells, rtl=RTL):
    (tmp_path / "rtl").mkdir(exist_ok=True)
    (tmp_path / "rtl" / "rtl.v").write_text(rtl)
    return HardenTask().work(job(tmp_path, {"cells": cells}, rtl=tmp_path / "rtl"))


def test_the_artifact_is_unpacked_and_measured(tmp_path, cells, artifact):
    kept = artifact()
    found = harden(tmp_path, cells)
    unpacked = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert unpacked == {name: kept.content(name) for name in FILES}
    assert found.note == "1 cells placed and routed (openroad 26Q3, yosys 0.70)"
    m = found.metrics
    assert (m["cells"], m["routed_cells"]) == (1, 1)
    assert m["cell_area_um2"] == pytest.approx(1.38 * 2.72)
    assert 0 < m["rows_used_percent"] < 1
    assert m["core_used_percent"] == core_used_percent(base_block(SMALL, FACTS), m["routed_cell_area_um2"])
    assert (m["wire_length_um"], m["router_violations"]) == (21.5, 0)
    assert m["drv_violations"] == 7
    assert "routed_vias" not in m  # nothing measured it


def test_a_report_without_numbers_gives_no_metrics(tmp_path, cells, artifact):
    artifact(reports_json=json.dumps({"base": "nano", "steps": {}}))
    assert "router_violations" not in harden(tmp_path, cells).metrics


@pytest.mark.parametrize("what", ["its RTL", "configs/nano.yaml", "the macro", "the standard cells"])
def test_what_has_changed_since_is_named(tmp_path, cells, artifact, monkeypatch, what):
    artifact()
    rtl = RTL
    if what == "its RTL":
        rtl += "// edited\n"
    elif what == "the standard cells":
        lef = cells / "inv" / f"{P}inv_1.lef"
        lef.write_text(lef.read_text().replace("1.38", "1.84"))
    else:
        changed = replace(SMALL, program_layers=((68, 44),))
        if what == "the macro":
            changed = replace(SMALL, rom=RomGeometry(banks=2, word_lines=8, bits=4, mux=4))
            monkeypatch.setattr("base_chip.harden.block.bank_lef", lambda spec: "another")
        monkeypatch.setattr("base_chip.config.load_base", lambda name: changed)
    with pytest.raises(FlowError, match=f"changed since it was hardened: {what}") as e:
        harden(tmp_path, cells, rtl)
    assert "sc-flow base build nano" in str(e.value)


def test_without_artifact_the_way_to_one_is_told(tmp_path, cells, monkeypatch):
    monkeypatch.setattr(HardenedBase, "home", staticmethod(lambda base: tmp_path / "none"))
    with pytest.raises(FlowError, match="no hardened artifact") as e:
        harden(tmp_path, cells)
    assert e.value.code == ExitCode.MISSING_TOOL


def base(tmp_path, pdk_kit, text=DEF):
    for name in ("harden", "bank"):
        (tmp_path / name).mkdir()
    if text:
        (tmp_path / "harden" / "layout.def").write_text(text)
    write_views(BANK, tmp_path / "bank")
    files = {role: pdk_kit.path(role) for role in ("cells", "tech_lef")}
    inputs = {name: tmp_path / name for name in ("harden", "bank")}
    found = BaseTask().work(job(tmp_path, files, **inputs))
    layout = kdb.Layout()
    layout.read(str(tmp_path / "out" / "base.gds"))
    return found, layout


def test_the_base_holds_cells_banks_and_wires(pdk_kit, tmp_path, artifact):
    found, layout = base(tmp_path, pdk_kit)
    assert found.metrics == {
        "die_mm2": pytest.approx(0.0048),
        "shapes_lengthened": 0,
        "shapes_below_least_area": 0,
    }
    top = layout.top_cell()
    assert top.name == "scf_nano"
    placed = sorted((i.cell.name, str(i.trans)) for i in top.each_inst() if not i.cell.name.startswith("VIA"))
    assert (BANK.name, "r0 11040,16320") in placed
    assert (BANK.name, "r0 46000,16320") in placed
    via2 = kdb.Region(top.begin_shapes_rec(layout.layer(69, 44)))
    assert via2.interacting(kdb.Region(kdb.Box(6000, 8000, 6001, 8001))).count() == 1
    assert layout.cell(f"{P}inv_1") is not None


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("( 46000 16320 ) N", "( 46460 16320 ) N", "banks stand at .*46460,16320"),
        ("( 46000 16320 ) N", "( 46000 16320 ) FN", "banks stand at .*m90"),
        ("DESIGN scf_nano", "DESIGN scf_other", "design is scf_other"),
    ],
)
def test_a_design_that_is_not_that_of_the_config_is_refused(pdk_kit, tmp_path, artifact, old, new, says):
    with pytest.raises(FlowError, match=says):
        base(tmp_path, pdk_kit, DEF.replace(old, new))


def test_a_base_that_is_not_routed_is_its_logic_and_its_banks(tmp_path, pdk_kit, cells, artifact):
    kept = artifact()
    mapped = {"mapped.v": NETLIST.encode()}
    HardenedBase.write(kept.folder, mapped, kept.made_from, kept.tools, kept.pdk)
    found = harden(tmp_path, cells)
    assert found.metrics.keys() == {"cells", "cell_area_um2"}
    assert found.note == "1 cells, not placed and routed yet"
    assert (tmp_path / "out" / "netlist.v").read_text() == NETLIST
    found, layout = base(tmp_path, pdk_kit, text="")
    assert "banks alone" in found.note
    assert [i.cell.name for i in layout.top_cell().each_inst()] == [BANK.name] * 2
