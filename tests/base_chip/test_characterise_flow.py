"""The characterisation with ngspice and Magic."""

import re
import shutil

import numpy as np
import pytest

from base_chip.bank import BankSpec, build_bank, program_bank, write_layout
from base_chip.bank.characterise import read_point
from base_chip.bank.characterise.column import Column
from base_chip.bank.characterise.corners import corners
from base_chip.bank.characterise.deck import Deck
from base_chip.bank.characterise.models import model_text
from base_chip.bank.characterise.ngspice import measure
from base_chip.bank.liberty import GATE_LOW
from base_chip.bank.timing import load_timing
from flow.pdk.magic_tech import tech_for_magic
from flow.pdk.providers import find_pdk
from signoff import lvs
from signoff.eda import MAGIC

pytestmark = pytest.mark.flow
CORNERS = corners("sky130")
SMALL = BankSpec(8, 16)
LEVELS = {"read": ("t80", "t50", "t25", "t20"), "precharge": ("t20", "t50", "t80", "t95")}


def needs(*exes: str) -> pytest.MarkDecorator:
    absent = [exe for exe in exes if shutil.which(exe) is None]
    return pytest.mark.skipif(bool(absent), reason=f"not on PATH: {', '.join(absent)}")


@needs("ngspice")
@pytest.mark.parametrize("corner", CORNERS)
@pytest.mark.parametrize("spec", [SMALL, BankSpec(256, 128)], ids=lambda spec: spec.name)
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


@needs("ngspice")
@pytest.mark.parametrize("late", [True, False], ids=["late", "early"])
@pytest.mark.parametrize("what", ["read", "precharge"])
def test_multiplied_transistors_are_as_many_single_ones(what, late, library):
    """A simulator that drops a multiplier makes a bit line light and a bank fast."""
    spec, corner = BankSpec(16, 16), CORNERS["tt_025C_1v80"]
    deck = Deck(Column(spec, corner, late), model_text(spec, library, corner.process))

    def one_by_one(stop: float) -> str:
        def copies(found: re.Match[str]) -> str:
            name, rest, count = found.groups()
            return "\n".join(f"{name}_{n} {rest}" for n in range(int(count)))

        return re.sub(r"^(X\S+) (.*) m=(\d+)$", copies, getattr(deck, what)(0.5, 30, stop), flags=re.M)

    assert " m=" not in one_by_one(10)
    multiplied = measure(lambda stop: getattr(deck, what)(0.5, 30, stop), 10)
    single = measure(one_by_one, 10)
    for name in (*LEVELS[what], "charge"):
        assert multiplied[name] == pytest.approx(single[name], rel=1e-3), name


@needs("ngspice")
def test_a_bit_line_weighs_its_wire_and_every_drain(library):
    """Charge from the supply, a row: the wire's, and more than 0.2 fF of drains."""
    corner = CORNERS["tt_025C_1v80"]
    supply = "\n.measure tran supply integ i(vdd) from=0.9n to=19n\n.end\n"

    def farads(rows: int) -> float:
        spec = BankSpec(rows, 16)
        deck = Deck(Column(spec, corner, True), model_text(spec, library, corner.process))
        found = measure(lambda stop: deck.precharge(0.5, 30, stop).replace("\n.end\n", supply), 20)
        return -found["supply"] / spec.bit_lines / corner.volts * 1e15

    row = (farads(128) - farads(64)) / 64
    wire = corner.wires.farads["bit_line"]["set"] + 2 * corner.wires.farads["neighbour"]["set"]
    assert wire + 0.2 < row < wire + 0.8


@needs("ngspice")
def test_gates_switch_above_the_level_at_which_late_tables_end(library, kit_cells):
    """Falling input of gates that a bit line may drive; the other inputs leave the decision to it."""
    gates = {
        "inv": ("A", {}),
        "nand2": ("A", {"B": 1}),
        "nand3": ("C", {"A": 1, "B": 1}),
        "nor4": ("A", {"B": 0, "C": 0, "D": 0}),
        "mux2": ("A0", {"A1": 1, "S": 0}),
        "and2": ("A", {"B": 1}),
        "a22oi": ("A1", {"A2": 1, "B1": 0, "B2": 0}),
    }
    corner = CORNERS["ss_n40C_1v40"]
    # Whole files: the cut for a bank lacks these sizes. special_nfet_01v8 is in nfet_01v8's file.
    names = ("nfet_01v8", "pfet_01v8_hvt", "special_pfet_01v8_hvt")
    files = [library / "models" / "parameters" / "lod.spice"]
    for name in names:
        files += sorted((library / "cells" / name).glob(f"*__{name}__mismatch.corner.spice"))
        files += sorted((library / "cells" / name).glob(f"*__{name}__{corner.process}.pm3.spice"))
    lines = [".param MC_MM_SWITCH=0", *(f".include {path}" for path in files)]
    lines += [".option scale=1.0u", f".temp {corner.celsius}", f"Vdd vdd 0 {corner.volts}"]
    lines.append(f"Vin in 0 pwl(0 {corner.volts} 1u 0)")
    for gate, (pin, others) in gates.items():
        text = (kit_cells / gate / f"sky130_fd_sc_hd__{gate}_1.spice").read_text()
        ports = re.search(r"^\.subckt \S+ (.*)", text, re.M).group(1).split()
        levels = {"VGND": "0", "VNB": "0", "VPWR": "vdd", "VPB": "vdd", pin: "in"}
        levels |= {other: "vdd" if high else "0" for other, high in others.items()}
        nodes = " ".join(levels.get(port, f"y_{gate}") for port in ports)
        lines += [text, f"X{gate} {nodes} sky130_fd_sc_hd__{gate}_1"]
        lines.append(f".measure tran {gate} find v(in) when v(y_{gate})={corner.volts / 2} cross=1")
    deck = "\n".join(["* thresholds", *lines, ".tran 1n 1u", ".end", ""])
    found = measure(lambda stop: deck, 1000)
    percent = {gate: round(found[gate] / corner.volts * 100, 1) for gate in gates}
    assert min(percent.values()) > GATE_LOW + 3, percent
    assert max(percent.values()) < 50, percent


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
        lvs.extract(folder / "bank.gds", spec.name, tech, folder)
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
