"""The timing table of a ROM macro, and its liberty."""

import re
import shutil
import subprocess

import msgspec
import pytest

from base_chip.arrays.liberty import rom_liberty
from base_chip.arrays.spec import RomSpec
from base_chip.arrays.timing import load_timing
from rtl_gen.errors import FlowError
from tests.base_chip.liberty_reader import read_liberty

SPEC = RomSpec(256, 128)
CORNERS = ("ss_n40C_1v40", "tt_025C_1v80", "ff_100C_1v95")


@pytest.fixture(scope="module")
def timing():
    return load_timing(SPEC)


def test_the_table_that_ships_makes_sense(timing):
    assert tuple(timing.corners) == CORNERS
    slow, typical, _ = timing.corners.values()
    for s, t in zip(slow.fall.delay, typical.fall.delay, strict=True):
        assert all(a > 1.9 * b for a, b in zip(s, t, strict=True))
    for corner in timing.corners.values():
        for row in (*corner.fall.delay, *corner.rise.delay):
            assert list(row) == sorted(row)  # a larger load is slower
        assert min(corner.kept_full, corner.kept_empty) >= 0.8  # a latch turns over at 0.71
        assert 0 < corner.dip < 0.1
        assert corner.low_ns > corner.rise.delay[0][0]
        assert corner.leakage_uw > 0


@pytest.mark.parametrize("corner", CORNERS)
def test_liberty_holds_the_table(timing, corner):
    library = read_liberty(rom_liberty(SPEC, corner, timing))
    cell, measured = library.one("cell", SPEC.name), timing.corners[corner]
    arc = cell.one("bus", "q").one("timing")
    assert (arc.attributes["related_pin"], arc.attributes["timing_type"]) == ("clk", "falling_edge")
    for edge, table in (("fall", measured.fall), ("rise", measured.rise)):
        for found, expected in zip(arc.grid(f"cell_{edge}"), table.delay, strict=True):
            assert found == pytest.approx(expected, abs=1e-4)
    clk = cell.one("pin", "clk").attributes
    assert float(clk["min_pulse_width_low"]) == measured.low_ns
    assert float(clk["min_pulse_width_high"]) == measured.high_ns
    for kind, name in (("bus", "a"), ("bus", "b_n"), ("pin", "enable")):
        kinds = [t.attributes["timing_type"] for t in cell.one(kind, name).all("timing")]
        assert kinds == ["setup_falling", "hold_rising"]


def test_a_corner_without_timing_is_named(timing):
    with pytest.raises(FlowError, match="no timing in corner 'ss_cold', there are: ss_n40C_1v40"):
        rom_liberty(SPEC, "ss_cold", timing)


def test_a_macro_that_was_not_simulated_is_named():
    with pytest.raises(FlowError, match="no timing of scf_rom_32x64"):
        load_timing(RomSpec(32, 64))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: b"{", "not a macro's timing"),
        (lambda t: msgspec.json.encode(msgspec.structs.replace(t, words=128)), "the timing is of 128 x 128"),
        (lambda t: msgspec.json.encode(msgspec.structs.replace(t, loads_ff=(5.0,))), "a table is not 3 x 1"),
    ],
)
def test_a_damaged_table_is_refused(timing, tmp_path, change, message):
    (tmp_path / "t.json").write_bytes(change(timing))
    with pytest.raises(FlowError, match=message):
        load_timing(SPEC, tmp_path / "t.json")


TOP = """module top(input clk, input en, input [7:0] a, input [31:0] b, output [127:0] q);
  scf_rom_256x128 u (.clk(clk), .enable(en), .a(a), .b_n(b), .q(q));
endmodule
"""
SCRIPT = """
read_liberty rom.lib
read_verilog top.v
link_design top
set_load 0.03 [all_outputs]
create_clock -name clk -period 100 [get_ports clk]
set_input_transition 0.5 [all_inputs]
set_input_delay 1 -clock clk [get_ports {a[3] b[5] en}]
set_output_delay 0 -clock clk [all_outputs]
set_clock_transition 0.5 [get_clocks clk]
report_checks -to [get_ports {q[5]}] -digits 4
report_checks -to [get_pins u/a[3]] -digits 4
report_checks -path_delay min -to [get_pins u/b_n[5]] -digits 4
report_pulse_width_checks -verbose [get_pins u/clk]
exit
"""


@pytest.mark.flow
@pytest.mark.skipif(shutil.which("sta") is None, reason="sta is not on PATH")
@pytest.mark.parametrize("corner", CORNERS)
def test_sta_times_a_read_and_its_inputs(timing, corner, tmp_path):
    (tmp_path / "rom.lib").write_text(rom_liberty(SPEC, corner, timing))
    (tmp_path / "top.v").write_text(TOP)
    (tmp_path / "run.tcl").write_text(SCRIPT)
    run = subprocess.run(
        ["sta", "-exit", "run.tcl"], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    output = run.stdout + run.stderr
    assert not re.search(r"^(?:Error|Warning)", output, re.M), output
    measured = timing.corners[corner]
    slowest = max(measured.fall.delay[1][1], measured.rise.delay[1][1])
    read = re.search(r"([\d.]+)\s+[\d.]+ [v^] u/q\[5\] \(scf_rom_256x128\)", output)
    assert float(read.group(1)) == pytest.approx(slowest, abs=0.01), output
    assert re.search(r"library setup time", output), output
    assert re.search(r"library hold time", output), output
    for edge, least in (("low", measured.low_ns), ("high", measured.high_ns)):
        found = re.search(rf"([\d.]+)\s+required pulse width \({edge}\)", output)
        if found:  # the tighter of the two is told
            assert float(found.group(1)) == pytest.approx(least, abs=0.01)
    assert "required pulse width" in output
