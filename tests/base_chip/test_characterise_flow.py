"""The characterisation with ngspice and Magic, and its liberty in the timing analysers."""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from base_chip.bank import BankSpec, build_bank, program_bank, write_layout
from base_chip.bank.characterise import read_point
from base_chip.bank.characterise.corners import corners
from base_chip.bank.lef import bank_lef
from base_chip.bank.liberty import bank_liberty
from base_chip.bank.timing import load_timing
from base_chip.pdk import Pdk
from flow.pdk import find_pdk, tech_for_magic
from rtl_gen.errors import FlowError
from signoff import lvs
from signoff.eda import MAGIC

pytestmark = pytest.mark.flow
CORNERS = corners("sky130")
SMALL = BankSpec(8, 16)


def needs(*exes: str) -> pytest.MarkDecorator:
    absent = [exe for exe in exes if shutil.which(exe) is None]
    return pytest.mark.skipif(bool(absent), reason=f"not on PATH: {', '.join(absent)}")


@pytest.fixture(scope="session")
def library(sky130: Pdk) -> Path:
    try:
        return find_pdk(sky130, need_all=False).path("spice_models").parent
    except FlowError as e:
        pytest.skip(str(e))


@needs("ngspice")
@pytest.mark.parametrize("corner", CORNERS)
@pytest.mark.parametrize("spec", [SMALL, BankSpec(256, 256)], ids=lambda spec: spec.name)
def test_a_point_of_the_shipped_table_comes_out_again(spec, corner, library):
    table = load_timing(spec)
    slew, load = 1, 1
    found = read_point(spec, CORNERS[corner], library, table.slews_ns[slew], table.loads_ff[load])
    for level, grid in table.corners[corner].fall.at.items():
        assert found[f"t{level}"] == pytest.approx(grid[slew][load], rel=0.01), level


@needs("ngspice")
@pytest.mark.parametrize("less", [BankSpec(32, 64), BankSpec(64, 32)], ids=["rows", "columns"])
def test_half_the_bank_is_faster(less, library):
    full, half = (
        read_point(spec, CORNERS["tt_025C_1v80"], library, 0.5, 30) for spec in (BankSpec(64, 64), less)
    )
    assert half["t50"] < 0.95 * full["t50"]


@needs("magic")
def test_wires_are_those_that_magic_extracts(sky130, tmp_path):
    """What 32 more rows add to a bit line, and a via at each; without what Magic gets wrong."""
    tech = tech_for_magic(find_pdk(sky130).path("magic_tech"), MAGIC.version())
    wires = CORNERS["tt_025C_1v80"].wires

    def bit_line(rows: int, kind: str) -> float:
        spec = BankSpec(rows, 32)
        folder = tmp_path / f"{rows}_{kind}"
        folder.mkdir()
        layout = build_bank(spec)
        program_bank(layout, spec, np.full((rows, 32), kind == "set"))
        write_layout(layout, folder / "bank.gds")
        _, fault = lvs.extract(folder / "bank.gds", spec.name, tech, folder)
        assert not fault
        text = (folder / f"{spec.name}.ext").read_text()
        total = float(re.search(r'^node "BL\[16\]" \S+ (\S+)', text, re.M).group(1))
        for a, b, value in re.findall(r'^cap "(\S+)" "(\S+)" (\S+)', text, re.M):
            other = {a, b} - {"BL[16]"}
            if "BL[16]" in (a, b) and not other.pop().startswith("BL["):
                total += float(value)
        return total / 1000

    for kind in ("set", "empty"):
        more = (bit_line(64, kind) - bit_line(32, kind)) / 32
        assert more == pytest.approx(wires.farads["bit_line"][kind], rel=0.02), kind


TOP = """module top(input [7:0] w, input p, output [15:0] b);
  scf_bank_8x16 u (.WL(w), .PRE_N(p), .BL(b));
endmodule
"""
SCRIPT = """
{before}
read_liberty bank.lib
read_verilog top.v
link_design top
set_load 0.03 [all_outputs]
set_input_transition 0.5 [all_inputs]
create_clock -name clk -period 6 [get_ports p]
create_clock -name line -period 6 [get_ports {{w[3]}}]
set_output_delay 0 -clock clk [all_outputs]
report_checks -from [get_clocks line] -fall_through [get_pins u/BL[5]] -digits 4
report_checks -from [get_clocks clk] -rise_through [get_pins u/BL[5]] -digits 4
{after}
exit
"""


def analyse(exe: str, folder: Path, corner: str, before: str = "", after: str = "") -> str:
    (folder / "bank.lib").write_text(bank_liberty(SMALL, corner, load_timing(SMALL)))
    (folder / "top.v").write_text(TOP)
    (folder / "run.tcl").write_text(SCRIPT.format(before=before, after=after))
    run = subprocess.run(
        [exe, "-exit", "run.tcl"], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    output = run.stdout + run.stderr
    assert not re.search(r"^(?:\[?(?:ERROR|WARNING)|Error|Warning)", output, re.M), output
    return output


@needs("sta")
@pytest.mark.parametrize("corner", CORNERS)
def test_sta_reads_it_and_checks_the_precharge(corner, tmp_path):
    output = analyse("sta", tmp_path, corner, after="report_pulse_width_checks -verbose [get_pins u/PRE_N]")
    table = load_timing(SMALL).corners[corner]
    for edge in "v^":  # WL pulls it low, PRE_N back up
        assert re.search(rf"{re.escape(edge)} u/BL\[5\] \(scf_bank_8x16\)", output), output
    assert float(re.search(r"([\d.]+)\s+required pulse width \(low\)", output).group(1)) == pytest.approx(
        table.precharge_ns, abs=0.01
    )


@needs("openroad")
@pytest.mark.parametrize("corner", CORNERS)
def test_openroad_reads_it(corner, tmp_path, sky130, library):
    (tmp_path / "bank.lef").write_text(bank_lef(SMALL))
    before = f"read_lef {find_pdk(sky130).path('tech_lef')}\nread_lef bank.lef"
    after = 'puts "clock pin: [get_property [get_lib_pins */scf_bank_8x16/PRE_N] is_register_clock]"'
    output = analyse("openroad", tmp_path, corner, before=before, after=after)
    for edge in "v^":  # WL pulls it low, PRE_N back up
        assert re.search(rf"{re.escape(edge)} u/BL\[5\] \(scf_bank_8x16\)", output), output
    assert "clock pin: 1" in output
