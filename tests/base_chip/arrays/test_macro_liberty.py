"""The timing tables of memory macros, and their liberty."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

import base_chip.arrays.sram.timing as sram_timing
import base_chip.arrays.timing as rom_timing
from base_chip.arrays.liberty import rom_liberty
from base_chip.arrays.spec import MacroSpec, RomSpec
from base_chip.arrays.sram.liberty import sram_liberty
from base_chip.arrays.sram.spec import SramSpec
from rtl_gen.errors import FlowError
from tests.base_chip.liberty_reader import read_liberty


@dataclass(frozen=True)
class Kind:
    """A kind of macro: how its table is read and its liberty written, and its inputs."""

    make: type
    load: Callable[..., Any]
    liberty: Callable[[Any, str, Any], str]
    inputs: dict[str, str]

    def full(self) -> MacroSpec:
        return self.make(256, 128)


ROM = Kind(RomSpec, rom_timing.load_timing, rom_liberty, {"a": "bus", "b_n": "bus", "enable": "pin"})
RAM = Kind(SramSpec, sram_timing.load_timing, sram_liberty, ROM.inputs | {"write": "bus", "d": "bus"})
KINDS = pytest.mark.parametrize("kind", [ROM, RAM], ids=["rom", "ram"])
CORNERS = ("ss_n40C_1v40", "tt_025C_1v80", "ff_100C_1v95")
RAM_SIZES = [(256, 128), (128, 128), (128, 96), (64, 16), (32, 16)]
SELECTING = RomSpec(256, 128, mux=4)
SHIPPED = [(ROM, ROM.full()), (ROM, SELECTING), *((RAM, SramSpec(*s)) for s in RAM_SIZES)]
SIZES = pytest.mark.parametrize(("kind", "spec"), SHIPPED, ids=[spec.name for _, spec in SHIPPED])


@SIZES
def test_a_table_that_ships_makes_sense(kind, spec):
    timing = kind.load(spec)
    assert tuple(timing.corners) == CORNERS
    slow, typical, _ = timing.corners.values()
    for s, t in zip(slow.fall.delay, typical.fall.delay, strict=True):
        assert all(a > 1.9 * b for a, b in zip(s, t, strict=True))
    for corner in timing.corners.values():
        for row in (*corner.fall.delay, *corner.rise.delay):
            assert list(row) == sorted(row)  # a larger load is slower
        assert 0 < corner.dip < 0.1
        assert corner.low_ns > corner.rise.delay[0][0]
        assert corner.leakage_uw > 0
        inputs = {*kind.inputs, *(["select"] if spec == SELECTING else [])}
        assert set(corner.setup_ns) == set(corner.hold_ns) == inputs


def test_quiet_bit_lines_keep_their_level():
    for corner in RAM.load(RAM.full()).corners.values():
        assert corner.kept >= 0.8


@KINDS
@pytest.mark.parametrize("corner", CORNERS)
def test_liberty_holds_the_table(kind, corner):
    spec = kind.full()
    timing = kind.load(spec)
    library = read_liberty(kind.liberty(spec, corner, timing))
    cell, measured = library.one("cell", spec.name), timing.corners[corner]
    arc = cell.one("bus", "q").one("timing")
    assert (arc.attributes["related_pin"], arc.attributes["timing_type"]) == ("clk", "falling_edge")
    for edge, table in (("fall", measured.fall), ("rise", measured.rise)):
        for found, expected in zip(arc.grid(f"cell_{edge}"), table.delay, strict=True):
            assert found == pytest.approx(expected, abs=1e-4)
    clk = cell.one("pin", "clk").attributes
    assert float(clk["min_pulse_width_low"]) == measured.low_ns
    assert float(clk["min_pulse_width_high"]) == measured.high_ns
    for name, group in kind.inputs.items():
        kinds = [t.attributes["timing_type"] for t in cell.one(group, name).all("timing")]
        assert kinds == ["setup_falling", "hold_rising"]


def test_every_byte_that_is_written_takes_its_part_of_the_energy():
    spec = RAM.full()
    timing = RAM.load(spec)
    clk = read_liberty(sram_liberty(spec, CORNERS[1], timing)).one("cell", spec.name).one("pin", "clk")
    spent = {}
    for power in clk.all("internal_power"):
        halves = (power.one(f"{edge}_power", "scalar").attributes["values"] for edge in ("rise", "fall"))
        spent[power.attributes["when"]] = sum(float(half.strip('"')) for half in halves)
    assert spent.pop("enable") == pytest.approx(timing.corners[CORNERS[1]].read_pj, abs=0.01)
    assert sorted(spent) == sorted(f"write[{n}]" for n in range(16))
    assert sum(spent.values()) == pytest.approx(timing.corners[CORNERS[1]].write_pj, abs=0.01)


@KINDS
def test_a_corner_without_timing_is_named(kind):
    with pytest.raises(FlowError, match="no timing in corner 'ss_cold', there are: ss_n40C_1v40"):
        kind.liberty(kind.full(), "ss_cold", kind.load(kind.full()))


@KINDS
def test_a_macro_that_was_not_simulated_is_named(kind):
    spec = kind.make(8, 96)
    with pytest.raises(FlowError, match=f"no timing of {spec.name}"):
        kind.load(spec)


@KINDS
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: b"{", "not a macro's timing"),
        (lambda t: msgspec.json.encode(msgspec.structs.replace(t, words=128)), "the timing is of 128 x 128"),
        (lambda t: msgspec.json.encode(msgspec.structs.replace(t, loads_ff=(5.0,))), "a table is not 3 x 1"),
    ],
)
def test_a_damaged_table_is_refused(kind, tmp_path, change, message):
    spec = kind.full()
    (tmp_path / "t.json").write_bytes(change(kind.load(spec)))
    with pytest.raises(FlowError, match=message):
        kind.load(spec, tmp_path / "t.json")


@KINDS
def test_characterise_tells_what_it_cannot_do_and_writes_nothing(kind, tmp_path):
    name = "rom" if kind is ROM else "sram"
    command = [sys.executable, "-m", "base_chip.arrays.characterise", "--kind", name]
    command += ["--library", str(tmp_path), "--out", str(tmp_path / "t.json")]
    for words, code, told in (("100", 2, "macro words is 100, it must be"), ("32", 4, "no transistor model")):
        done = subprocess.run(
            [*command, "--words", words], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == code, done.stderr
        assert told in done.stderr
        assert "Traceback" not in done.stderr
        assert not list(tmp_path.iterdir())


def top(spec: MacroSpec, inputs: dict[str, str]) -> str:
    """A module whose ports are the macro's pins."""
    widths = {"clk": 1, "enable": 1, "a": 8, "b_n": spec.words // 8, "write": spec.bits // 8, "d": spec.bits}
    ports = [f"input [{widths[name] - 1}:0] {name}" for name in ("clk", *inputs)]
    pins = ", ".join(f".{name}({name})" for name in ("clk", *inputs, "q"))
    ports.append(f"output [{spec.bits - 1}:0] q")
    return f"module top({', '.join(ports)});\n  {spec.name} u ({pins});\nendmodule\n"


SCRIPT = """
read_liberty macro.lib
read_verilog top.v
link_design top
set_load 0.03 [all_outputs]
create_clock -name clk -period 100 [get_ports clk]
set_input_transition 0.5 [all_inputs]
set_input_delay 1 -clock clk [get_ports {a[3] b_n[3] enable}]
set_output_delay 0 -clock clk [all_outputs]
set_clock_transition 0.5 [get_clocks clk]
report_checks -to [get_ports {q[5]}] -digits 4
report_checks -to [get_pins u/a[3]] -digits 4
report_checks -path_delay min -to [get_pins u/b_n[3]] -digits 4
report_pulse_width_checks -verbose [get_pins u/clk]
set_power_activity -input -activity 0 -duty 1
report_power
exit
"""


@pytest.mark.flow
@pytest.mark.skipif(shutil.which("sta") is None, reason="sta is not on PATH")
@KINDS
@pytest.mark.parametrize("corner", CORNERS)
def test_sta_times_a_read_and_its_inputs(kind, corner, tmp_path):
    spec = kind.full()
    timing = kind.load(spec)
    (tmp_path / "macro.lib").write_text(kind.liberty(spec, corner, timing))
    (tmp_path / "top.v").write_text(top(spec, kind.inputs))
    output = sta(SCRIPT, tmp_path)
    measured = timing.corners[corner]
    slowest = max(measured.fall.delay[1][1], measured.rise.delay[1][1])
    read = re.search(rf"([\d.]+)\s+[\d.]+ [v^] u/q\[5\] \({spec.name}\)", output)
    assert float(read.group(1)) == pytest.approx(slowest, abs=0.01), output
    for check, pin, table in (("setup", "a", measured.setup_ns), ("hold", "b_n", measured.hold_ns)):
        found = re.search(rf"(-?[\d.]+)\s+[\d.]+\s+library {check} time", output)
        assert abs(float(found.group(1))) == pytest.approx(table[pin], abs=1e-3), output
    for edge, least in (("low", measured.low_ns), ("high", measured.high_ns)):
        found = re.search(rf"([\d.]+)\s+required pulse width \({edge}\)", output)
        if found:  # the tighter of the two is told
            assert float(found.group(1)) == pytest.approx(least, abs=0.01)
    assert "required pulse width" in output
    cycle_pj = measured.read_pj + getattr(measured, "write_pj", 0)  # every input is high
    internal = float(re.search(r"^Total\s+(\S+)", output, re.M).group(1))
    # OpenSTA 2.0 takes both edges' energies for each edge, of any cell; later ones do not
    ratio = internal / (cycle_pj * 1e-12 / 100e-9)
    assert any(ratio == pytest.approx(n, rel=0.01) for n in (1, 2)), output


def sta(script: str, folder: Path) -> str:
    """What OpenSTA says, without a warning."""
    (folder / "run.tcl").write_text(script)
    run = subprocess.run(
        ["sta", "-exit", "run.tcl"], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    output = run.stdout + run.stderr
    assert not re.search(r"^(?:Error|Warning)", output, re.M), output
    return output
