"""Static timing without liberty: reports, faults in SDF; OpenSTA on a small block."""

import re
import shutil
import subprocess
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base_chip.arrays.views import rom_lef
from base_chip.harden.cells import cell_lef
from flow.pdk.providers import find_pdk
from rtl_gen.errors import ExitCode, FlowError
from signoff.sta import Corner, run
from signoff.timing.analysis import Chip
from signoff.timing.cells import load_cells
from signoff.timing.constant import constant_pins
from signoff.timing.edges import split_paths, with_edges
from signoff.timing.plant import lengthen, without
from signoff.timing.report import read_report
from signoff.timing.sdf import Delay, read_sdf
from signoff.timing.skeleton import arcs, skeleton
from tests.signoff.timed_block import CORNER, PERIOD, ROM, TimedBlock, make_timed_block

P = "sky130_fd_sc_hd__"
STA = pytest.mark.skipif(shutil.which("sta") is None, reason="sta (OpenSTA) is not on PATH")
SDC = f"""create_clock -name clk -period {PERIOD} [get_ports clk]
set_propagated_clock [get_clocks clk]
set_clock_uncertainty -setup 0.25 [get_clocks clk]
set_clock_uncertainty -hold 0.1 [get_clocks clk]
set_input_delay 2 -clock clk [get_ports {{rst rx_data* rx_valid tx_ready}}]
set_output_delay 2 -clock clk [get_ports {{rx_ready tx_data* tx_valid}}]
set_timing_derate -early 0.95
set_timing_derate -late 1.05
"""
REPORT = """SCF annotated
                                  Not
cell arcs     10     9     1
----------
              10     9     1

Unannotated Arcs
 delay  u1/A -> u1/Y
cell setup arcs     2     2     0
--------
                    2     2     0

SCF setup
max_delay/setup group clk

Endpoint                                 Delay     Delay     Slack
------------------------------------------------------------------
r\\[0\\]/D (sky130_fd_sc_hd__dfxtp_1)   21.6987   22.1013   -0.4025 (VIOLATED)
y (output)   16.0000   2.0000   14.0000 (MET)
SCF hold
r\\[0\\]/D (sky130_fd_sc_hd__dfxtp_1)   1.0   2.0   1.0 (MET)
SCF width
r\\[0\\]/CLK (high)                      1.4380    9.5785    8.1405 (MET)
SCF constraints
Warning: There are 2 unconstrained endpoints.
  z
  q/D
SCF end
"""


@pytest.fixture(scope="session")
def block(tmp_path_factory, kit_cells) -> TimedBlock:
    return make_timed_block(tmp_path_factory.mktemp("timed"), kit_cells)


def test_a_report_is_read_whole():
    r = read_report(REPORT)
    assert (r.annotated, r.missing) == (11, 1)
    assert r.setup == {"r[0]/D": -0.4025, "y": 14.0}
    assert r.hold == {"r[0]/D": 1.0}
    assert r.width == {"r[0]/CLK high": 8.1405}
    assert r.open == (("z", "unconstrained endpoints"), ("q/D", "unconstrained endpoints"))
    assert r.through == {}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("SCF hold", "SCF bold"), "no part 'hold'"),
        (("   -0.4025 (VIOLATED)\ny", "   nan (VIOLATED)\ny"), "1 of 2 slacks"),
        (("There are 2", "There are 3"), "1 more"),
        (("10     9     1\n\nUn", "10     9     0\n\nUn"), "annotated"),
    ],
)
def test_a_damaged_report_is_refused(change, why):
    with pytest.raises(ValueError, match=why):
        read_report(REPORT.replace(*change))


@given(st.integers(0, len(REPORT) - len("SCF end\n") - 1))
def test_a_cut_report_is_refused(end):
    with pytest.raises(ValueError, match="no part"):
        read_report(REPORT[:end])


def test_split_paths_name_their_edges_in_the_order_of_the_library(kit_cells):
    cells = load_cells([f"{P}xor2_1", f"{P}xnor2_1"], kit_cells)
    pair = "(IOPATH A {p} (1.0::1.1) (2.0::2.1))\n (IOPATH A {p} (3.0::3.1) (4.0::4.1))"

    def named(cell, pin):
        head = f'(CELL (CELLTYPE "{P}{cell}") (INSTANCE u)'
        return with_edges(f"{head}{pair.format(p=pin)})", cells)

    # xor2: first the path that opposes, then the one that follows.
    assert "(posedge A) X (3.0::3.1) (2.0::2.1)" in named("xor2_1", "X").text
    assert "(negedge A) X (1.0::1.1) (4.0::4.1)" in named("xor2_1", "X").text
    assert "(posedge A) Y (1.0::1.1) (4.0::4.1)" in named("xnor2_1", "Y").text
    assert "(negedge A) Y (3.0::3.1) (2.0::2.1)" in named("xnor2_1", "Y").text
    assert named("xor2_1", "X").pairs == 1
    assert split_paths(cells[f"{P}xor2_1"]) == [("A", "X"), ("B", "X")]


def test_one_triple_stands_for_both_edges(kit_cells, tmp_path):
    cells = load_cells([f"{P}xor2_1", f"{P}inv_1"], kit_cells)
    head = f'(CELL (CELLTYPE "{P}xor2_1") (INSTANCE u)'
    told = with_edges(f"{head}(IOPATH A X (1.0::1.1))(IOPATH A X (3.0::3.1) (4.0::4.1)))", cells)
    assert "(IOPATH (posedge A) X (3.0::3.1) (1.0::1.1))" in told.text
    assert "(IOPATH (negedge A) X (1.0::1.1) (4.0::4.1))" in told.text
    assert (told.pairs, told.gaps) == (1, ())
    path = tmp_path / "one.sdf"
    path.write_text(
        f'(DELAYFILE (DESIGN "t") (TIMESCALE 1ns)\n(CELL (CELLTYPE "{P}inv_1") (INSTANCE u)\n'
        "(DELAY (ABSOLUTE (IOPATH A Y (1.0:1.5:2.0)))))\n"
        '(CELL (CELLTYPE "t") (INSTANCE) (DELAY (ABSOLUTE\n'
        "(INTERCONNECT a u/A (0.1)) (INTERCONNECT u/Y y ()) (INTERCONNECT u/Y z (0.2) ()))))\n)"
    )
    sdf = read_sdf(path)
    assert sdf.cells["u"].paths["A", "Y"] == Delay((1.0, 2.0), (1.0, 2.0))
    assert sdf.wires["u", "A"] == Delay((0.1, 0.1), (0.1, 0.1))
    assert sdf.wires["", "y"] == Delay()
    assert sdf.wires["", "z"] == Delay((0.2, 0.2), None)


@pytest.mark.parametrize("empty", ["()", "( )", "() ()", "(0.1) ( )"])
def test_no_triple_is_a_gap_and_a_fault_can_be_planted_on_such_a_wire(kit_cells, empty):
    cells = load_cells([f"{P}inv_1"], kit_cells)
    text = f'(CELL (CELLTYPE "{P}inv_1") (INSTANCE u) (IOPATH A Y {empty}))'
    assert with_edges(text, cells).gaps == ("u: A to Y",)
    wire = lengthen(f"(INTERCONNECT a u/A {empty})", "u/A", 1, 1)
    assert wire.endswith("(1.0000::1.0000))" if "0.1" in empty else "(1.0000::1.0000) (1.0000::1.0000))")


def test_a_fault_is_planted_on_a_wire_to_a_cell_of_a_module():
    text = r"(INTERCONNECT a tile\.half1\/near\/_3_/D (0.1)) (INTERCONNECT a tile\.half1\/far\/_3_/D (0.1))"
    longer = lengthen(text, "tile.half1/near/_3_/D", 1)
    assert longer == text.replace("_3_/D (0.1))", "_3_/D (1.1000) (0.1000))", 1)


def test_the_larger_of_two_hold_limits_counts(kit_cells):
    cells = load_cells([f"{P}dfxtp_1"], kit_cells)
    head = f'(CELL (CELLTYPE "{P}dfxtp_1") (INSTANCE u)'
    text = with_edges(f"{head} (HOLD (negedge D) (posedge CLK) (-0.016::-0.020)))", cells).text
    assert text == f"{head} (HOLD (negedge D) (posedge CLK) (-0.016::-0.016)))"


def test_an_edge_without_a_time_is_a_gap(block):
    text = block.sdf.read_text()
    assert with_edges(text, block.cells).gaps == ()
    cut = text.replace("(IOPATH A X (0.100::0.100) (0.100::0.100))", "(IOPATH A X () (0.100::0.100))", 1)
    assert with_edges(cut, block.cells).gaps == ("root: A to X",)


def test_arcs_of_forced_outputs_have_one_edge(kit_cells):
    cells = load_cells([f"{P}dfrtp_1", f"{P}dfstp_1"], kit_cells)
    assert list(arcs(cells[f"{P}dfrtp_1"])) == [("CLK", "Q", 0, "rising_edge"), ("RESET_B", "Q", 1, "clear")]
    assert list(arcs(cells[f"{P}dfstp_1"])) == [("CLK", "Q", 0, "rising_edge"), ("SET_B", "Q", -1, "preset")]
    assert 'clear : "!RESET_B"' in skeleton(cells.values())


def test_every_cell_of_the_kit_that_is_understood_has_a_skeleton(kit_cells):
    names = [p.name.removesuffix(".functional.v") for p in kit_cells.glob("*/*_1.functional.v")]
    understood = []
    for name in names:
        try:
            understood += load_cells([name], kit_cells).values()
        except Exception as e:
            assert "not understood" in str(e)  # noqa: PT017
    assert len(understood) > 100
    text = skeleton(understood)
    assert text.count("{") == text.count("}")


def test_faults_are_planted_where_they_are_meant(block, tmp_path):
    text = block.sdf.read_text()
    slow = tmp_path / "slow.sdf"
    slow.write_text(without(lengthen(text, "rom.sel[2]/D", 1, 2), "flip"))
    before, after = read_sdf(block.sdf), read_sdf(slow)
    assert after.wires["rom.sel[2]", "D"].rise == (1.01, 1.01)
    assert after.wires["rom.sel[2]", "D"].fall == (2.01, 2.01)
    assert set(before.cells) - set(after.cells) == {"flip"}
    with pytest.raises(ValueError, match="0 wires"):
        lengthen(text, "rom.sel[9]/D", 1)
    with pytest.raises(ValueError, match="not in the SDF"):
        without(text, "fli")


def test_pins_behind_tie_cells_are_constant(block):
    inputs = {f"line{n}/D" for n in range(8)} | {f"group{n}/{pin}" for n in range(4) for pin in "CD"}
    assert constant_pins(block.parsed, block.cells) == {"tie/HI", "rx_ready", *inputs}


def corner(block, **changes):
    given = Corner("slow", block.sdf, SDC, PERIOD, (block.liberty,))
    return replace(given, **changes)


@pytest.mark.flow
@STA
def test_a_block_passes_with_the_slack_that_its_delays_give(block, kit_cells, tmp_path):
    rows, metrics = run(block.netlist, kit_cells, [corner(block)], tmp_path, [ROM.name])
    assert {r.name: (r.status, r.count) for r in rows} == dict.fromkeys(
        ("sta_slow", "sta_control"), ("pass", 0)
    )
    # Late: read, from where the clock falls, and the longer of flip's two, each with the wire behind it.
    clock = 0.01 + 0.1 + 0.01
    late = 1.05 * (clock + 3.0 + 0.01 + 0.3 + 0.01)
    early = 0.95 * clock - 0.25 - 0.1
    pessimism = 0.1 * (0.01 + 0.1)  # of the clock's common part
    assert metrics["sta_slow_setup_ns"] == pytest.approx(PERIOD / 2 + early - late + pessimism, abs=0.001)
    # Early: from flop to flop, on clocks that part behind the root.
    early = 0.95 * (clock + 0.1 + 0.01)
    late = 1.05 * clock + 0.1 - 0.2
    assert metrics["sta_slow_hold_ns"] == pytest.approx(early - late + pessimism, abs=0.001)


@pytest.mark.flow
@STA
def test_what_is_late_lost_or_loose_fails(block, kit_cells, tmp_path):
    fast = SDC.replace(f"-period {PERIOD}", "-period 6").replace("rst rx_data*", "rst")
    cut = tmp_path / "cut.sdf"
    cut.write_text(without(block.sdf.read_text(), "column"))
    rows, _ = run(
        block.netlist,
        kit_cells,
        [corner(block, constraints=fast, period=6, sdf=cut)],
        tmp_path / "sta",
        [ROM.name],
    )
    found = {r.name: r for r in rows}
    assert found["sta_slow"].status == "fail"
    assert "setup data0/D" in found["sta_slow"].detail
    assert "no delay: column/" in found["sta_slow"].detail


@pytest.mark.flow
@STA
def test_files_that_do_not_fit_give_no_slack(block, kit_cells, tmp_path):
    bad = tmp_path / "bad.sdf"
    bad.write_text(block.sdf.read_text().replace("(INSTANCE first)", "(INSTANCE fist)"))
    with pytest.raises(FlowError, match="OpenSTA: slow: sta reported: ") as found:
        run(block.netlist, kit_cells, [corner(block, sdf=bad)], tmp_path / "sta", [ROM.name])
    assert found.value.code == ExitCode.TOOL_FAILED


def test_without_opensta_every_row_says_so(block, kit_cells, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    rows, metrics = run(block.netlist, kit_cells, [corner(block)], tmp_path, [ROM.name])
    assert [r.name for r in rows] == ["sta_slow", "sta_control"]
    assert {r.status for r in rows} == {"not run"}
    assert metrics == {}


ANALYSE = """
read_lef {tech}
read_lef {cells}
read_lef {rom_lef}
read_liberty {liberty}
read_liberty {rom}
read_verilog {netlist}
link_design top
read_sdc constraints.sdc
set_load 0.05 [all_outputs]
write_sdf -digits 6 delays.sdf
foreach {{part delay}} {{setup max hold min}} {{
  puts "PART $part"
  report_checks -path_delay $delay -group_path_count 100000 -format end -digits 6
}}
puts "PART end"
exit
"""


@pytest.mark.flow
@STA
@pytest.mark.skipif(shutil.which("openroad") is None, reason="openroad is not on PATH")
def test_slacks_are_those_of_openroad_with_liberty(block, kit_cells, sky130, tmp_path):
    files = find_pdk(sky130)
    liberty = next((path for name, path in files.liberty.items() if CORNER in name), None)
    if liberty is None:
        pytest.skip(f"there is no liberty of {CORNER}")
    (tmp_path / "rom.lef").write_text(rom_lef(ROM))
    (tmp_path / "cells.lef").write_text(cell_lef(kit_cells, P.removesuffix("__")))
    (tmp_path / "constraints.sdc").write_text(SDC)
    script = ANALYSE.format(
        tech=files.path("tech_lef"), cells="cells.lef", rom_lef="rom.lef", liberty=liberty,
        rom=block.liberty, netlist=block.netlist,
    )  # fmt: skip
    (tmp_path / "run.tcl").write_text(script)
    told = subprocess.run(
        ["openroad", "-exit", "run.tcl"], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    parts = dict(re.findall(r"^PART (setup|hold)\n(.*?)(?=^PART)", told.stdout, re.M | re.S))
    wanted = {
        part: dict(re.findall(r"^(\S+) \(\S+\)\s.*?(-?[\d.]+)(?: \((?:MET|VIOLATED)\))?$", text, re.M))
        for part, text in parts.items()
    }
    assert "data0/D" in wanted["setup"], told.stdout
    chip = Chip.read(block.netlist, kit_cells, [ROM.name])
    sdf = with_edges((tmp_path / "delays.sdf").read_text(), chip.cells)
    found = chip.analyse(corner(block), sdf, tmp_path / "sta")
    assert not isinstance(found, str), found
    assert found.lost == ()
    for part, slacks in (("setup", found.report.setup), ("hold", found.report.hold)):
        pairs = {e: (slacks[e.replace("\\", "")], float(s)) for e, s in wanted[part].items()}
        assert not {e: p for e, p in pairs.items() if abs(p[0] - p[1]) > 0.001}


def test_an_sdf_without_cells_is_refused():
    with pytest.raises(FlowError, match="no cell"):
        with_edges("(DELAYFILE)", {})
