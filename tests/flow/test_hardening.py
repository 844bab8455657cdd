"""What SiliconCompiler is told to do with a block, and what is kept of it; no tool runs here."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest

from base_chip.harden import harden_file
from base_chip.harden.artifact import FILES
from base_chip.harden.constraints import tile_sdc
from flow.hardening.graph import FIRST, LAST, ROUTED, Sources, hardening_flow, make_project
from flow.hardening.run import collect, reports
from flow.pdk.files import PdkFiles
from rtl_gen.errors import ExitCode, FlowError
from tests.small_block import FACTS, small_block

BLOCK = small_block((20, 30), (105.8, 32.64))


def pdk_files(tmp_path, **lacking):
    def file(name):
        path = tmp_path / name
        path.touch()
        return path

    liberty = {c.liberty: file(f"{c.liberty}.lib") for c in FACTS.corners.values()}
    rules = {c.parasitics: file(f"{c.parasitics}.rules") for c in FACTS.corners.values()}
    for group, name in lacking.items():
        del (liberty if group == "liberty" else rules)[name]
    return PdkFiles("sky130", {"tech_lef": file("tech.lef")}, {}, liberty, rules, {})


def sources(tmp_path):
    files = {n: tmp_path / n for n in ("rtl", "liberty", "cells", "sdc", "variables", "diodes", "closed")}
    for path in files.values():
        path.touch()
    return Sources(views=tmp_path, **files)


def test_the_graph_is_one_line_of_siliconcompilers_steps():
    flow = hardening_flow()
    assert {name for name, _ in flow.get_entry_nodes()} == {FIRST}
    assert {name for name, _ in flow.get_exit_nodes()} == {LAST}
    order = [name for level in flow.get_execution_order() for name, _ in level]
    wanted = [
        FIRST,
        "floorplan.init",
        "floorplan.macro_placement",
        "floorplan.tapcell",
        "floorplan.power_grid",
        "place.global",
        "place.detailed",
        "cts.clock_tree_synthesis",
        "cts.repair_timing",
        "route.global",
        "route.antenna_repair",
        "route.detailed",
        ROUTED,
        LAST,
    ]
    assert [name for name in order if name in wanted] == wanted


def test_the_project_says_what_the_config_says(tmp_path):
    project = make_project(BLOCK, FACTS, pdk_files(tmp_path), sources(tmp_path), tmp_path, jobs=3)
    area = project.constraint.area
    assert area.get_diesize() == BLOCK.die
    assert area.get_corearea() == list(BLOCK.core)
    for name, place in BLOCK.places.items():
        macro = project.constraint.component.get_component(name)
        assert (macro.get_placement(), macro.get_rotation()) == ((place.x, place.y), "R0")
    for name, corner in FACTS.corners.items():
        scenario = project.constraint.timing.get_scenario(name)
        assert scenario.get_pexcorner() == corner.parasitics
        assert scenario.get_pin_voltage("VPWR") == corner.voltage
    assert project.get("tool", "openroad", "task", "clock_tree_synthesis", "prescript") == [
        str(harden_file("clock_tree.tcl"))
    ]
    assert project.get("tool", "openroad", "task", "init_floorplan", "var", "ifp_snap_strategy") == "none"


@pytest.mark.parametrize("closed", [(), (("met4", 0.0, 0.0, 5.0, 5.0),)])
def test_areas_are_closed_before_global_route_and_before_its_antennas_are_repaired(tmp_path, closed):
    block, given = replace(BLOCK, closed=closed), sources(tmp_path)
    project = make_project(block, FACTS, pdk_files(tmp_path), given, tmp_path, jobs=1)
    told = [str(given.closed), str(harden_file("closed.tcl"))] if closed else []
    for task in ("global_route", "antenna_repair"):
        scripts = project.get("tool", "openroad", "task", task, "prescript")
        assert [path for path in scripts if path in told] == told
        assert bool(closed) == any("closed" in Path(path).name for path in scripts)


@pytest.mark.parametrize(
    ("lacking", "says"),
    [
        ({"liberty": "ss_n40C_1v40"}, "no liberty for corner ss"),
        ({"rules": "maximum"}, "rules for corner max"),
    ],
)
def test_what_the_pdk_lacks_is_named(tmp_path, lacking, says):
    with pytest.raises(FlowError, match=says) as e:
        make_project(BLOCK, FACTS, pdk_files(tmp_path, **lacking), sources(tmp_path), tmp_path, jobs=1)
    assert e.value.code == ExitCode.MISSING_TOOL


def test_constraints_hold_the_period_and_every_port():
    pins = {"clk": False, "in_valid": False, "in_x[3]": False, "rx_valid": False, "out_valid": True}
    text = tile_sdc("t", 40, pins | {"tx_data[0]": True, "clk_east": True})
    assert "create_clock -name clk -period 40 " in text
    assert "set inputs [get_ports {in_valid in_x*}]\n" in text  # what crosses a seam: a quarter of the period
    assert "set_input_delay -max 10.0 -clock clk -clock_fall $inputs" in text
    assert "set_output_delay 10.0 -clock clk [get_ports {out_valid}]" in text
    assert "set_input_delay 8.0 -clock clk [get_ports {rx_valid}]" in text  # the host's: a fifth
    assert "set_output_delay 8.0 -clock clk [get_ports {tx_data*}]" in text
    assert "set_clock_uncertainty -setup 0.25 " in text
    assert "set_clock_uncertainty -hold 0.1 " in text
    assert "clk_east" not in text
    assert "get_ports clk_east" in tile_sdc("t", 40, pins | {"clk_east": True}, tree=True)


# As OpenROAD writes it, with supplies
ROUTED_NETLIST = """module t (VGND,
    VPWR,
    a,
    y);
 inout VGND;
 inout VPWR;
 input a;
 output y;

 sky130_fd_sc_hd__fill_8 F_1 (.VGND(VGND),
    .VNB(VGND),
    .VPB(VPWR),
    .VPWR(VPWR));
 sky130_fd_sc_hd__inv_1 u (.A(a),
    .VGND(VGND),
    .VNB(VGND),
    .VPB(VPWR),
    .VPWR(VPWR),
    .Y(\\y.VPWR ));
 sky130_fd_sc_hd__tapvpwrvgnd_1 T (.VGND(VGND),
    .VPWR(VPWR));
 bank \\rom.bank0  (.VGND(VGND),
    .VPWR(VPWR),
    .WL({a,
    a}));
endmodule
"""
LOGIC = """module t (a,
    y);
 input a;
 output y;

 sky130_fd_sc_hd__inv_1 u (.A(a),
    .Y(\\y.VPWR ));
 bank \\rom.bank0  (.WL({a,
    a}));
endmodule
"""


def test_what_is_kept_has_no_dates_and_no_fill(tmp_path):
    routed = tmp_path / "routed"
    routed.mkdir()
    (routed / "t.def.gz").write_bytes(gzip.compress(b"DESIGN t ;\n"))
    (tmp_path / "t.def.gz").write_bytes(gzip.compress(b"wires in another order\n"))
    (tmp_path / "t.vg").write_text(ROUTED_NETLIST)
    (tmp_path / "t.lvs.vg").write_text("module t; endmodule\n")
    (tmp_path / "t.sdc").write_text("# Mon\ncreate_clock\n")
    for corner in FACTS.corners:
        (tmp_path / f"t.{corner}.sdf").write_text('(DELAYFILE\n (DATE "now")\n)\n')
        (tmp_path / f"t.{corner}.lib").write_text("/* now */\nlibrary (t) {\n  date : now;\n}\n")
    kept = collect(routed, tmp_path, "t", FACTS)
    assert set(kept) == set(FILES) - {"mapped.v", "reports.json"}
    assert kept["netlist.v"].decode() == LOGIC
    assert kept["layout.def"] == b"DESIGN t ;\n"
    assert kept["constraints.sdc"] == b"create_clock\n"
    assert kept["timing.slow.lib"] == b"library (t) {\n}\n"
    assert not [name for name, content in kept.items() if b"now" in content]


def test_the_report_holds_what_each_step_measured_but_no_times(tmp_path):
    project = make_project(BLOCK, FACTS, pdk_files(tmp_path), sources(tmp_path), tmp_path, jobs=1)
    for metric, value in {"drcs": 3, "tasktime": 5.0, "memory": 7.0}.items():
        project.set("metric", metric, value, step="route.detailed", index="0")
    assert json.loads(reports(project, "small")) == {
        "base": "small",
        "steps": {"route.detailed": {"drcs": 3}},
    }
