"""Design rules, LVS and antennas of SRAM macros with the real tools."""

import pytest

from base_chip.arrays.sram.layout import build_sram
from base_chip.arrays.sram.spec import SramSpec
from base_chip.arrays.sram.spice import sram_spice
from base_chip.bank.layout import write_layout
from base_chip.pdk.checks import load_checks
from flow.tasks.wiring import stack_of
from signoff import antenna, drc_klayout, drc_magic, lvs
from tests.kit import needs

pytestmark = pytest.mark.flow
SPEC = SramSpec(64, 32)
FAULTY = SramSpec(32, 16)  # Netgen's time grows with the square of the transistors
SIZES = [SramSpec(32, 8), SPEC, SramSpec(256, 16), SramSpec(32, 128), SramSpec(256, 128)]


@needs("klayout")
@pytest.mark.parametrize("spec", SIZES, ids=lambda spec: spec.name)
def test_klayout_finds_nothing(kit, tmp_path, spec):
    write_layout(build_sram(spec), tmp_path / "ram.gds")
    result = drc_klayout.run(tmp_path / "ram.gds", spec.name, kit.deck, tmp_path)
    assert (result.status, result.count) == ("pass", 0), result


@needs("magic")
@pytest.mark.parametrize("spec", SIZES, ids=lambda spec: spec.name)
def test_magic_finds_nothing(kit, tmp_path, spec):
    write_layout(build_sram(spec), tmp_path / "ram.gds")
    result = drc_magic.run(tmp_path / "ram.gds", spec.name, kit.tech, tmp_path)
    assert (result.status, result.count) == ("pass", 0), result


@pytest.fixture(scope="module")
def extracted(kit, tmp_path_factory):
    folder = tmp_path_factory.mktemp("ram_lvs")
    write_layout(build_sram(FAULTY), folder / "ram.gds")
    return lvs.extract(folder / "ram.gds", FAULTY.name, kit.tech, folder)


def compare(extracted, text: str, kit, folder):
    (folder / "netlist.spice").write_text(text)
    return lvs.compare(extracted, folder / "netlist.spice", FAULTY.name, kit.setup, folder, "lvs")


@needs("magic", "netgen-lvs")
def test_layout_and_netlist_match(kit, tmp_path):
    write_layout(build_sram(SPEC), tmp_path / "ram.gds")
    found = lvs.extract(tmp_path / "ram.gds", SPEC.name, kit.tech, tmp_path)
    (tmp_path / "netlist.spice").write_text(sram_spice(SPEC))
    result = lvs.compare(found, tmp_path / "netlist.spice", SPEC.name, kit.setup, tmp_path, "lvs")
    assert (result.status, result.count) == ("pass", 0), result


@needs("magic", "netgen-lvs")
def test_a_small_one_matches(extracted, kit, tmp_path):
    result = compare(extracted, sram_spice(FAULTY), kit, tmp_path)
    assert (result.status, result.count) == ("pass", 0), result


def _without(mark: str) -> str:
    lines = sram_spice(FAULTY).splitlines()
    victim = next(i for i, line in enumerate(lines) if mark in line)
    return "\n".join(lines[:victim] + lines[victim + 1 :]) + "\n"


def _swapped(one: str, two: str) -> str:
    head, body = sram_spice(FAULTY).split("\nX", 1)
    body = body.replace(one, "@").replace(two, one).replace("@", two)
    return f"{head}\nX{body}"


def _written_upside_down() -> str:
    text = sram_spice(FAULTY)
    for node, line, other in (("l5_3", "wbl3", "wblb3"), ("r5_3", "wblb3", "wbl3")):
        text = text.replace(f" {node} wwl5 {line} ", f" {node} wwl5 {other} ")
    return text


@needs("magic", "netgen-lvs")
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(lambda: _without(" l9_9 wwl9 wbl9 "), id="a missing access transistor"),
        pytest.param(lambda: _without(" rbl9 m9 VPWR"), id="a missing keeper"),
        pytest.param(lambda: _without(" w_n write[1] VGND"), id="a byte that does not start a write"),
        pytest.param(_written_upside_down, id="a cell that is written upside down"),
        pytest.param(lambda: _swapped(" q[4] ", " q[5] "), id="two swapped outputs"),
        pytest.param(lambda: _swapped(" write[0] ", " write[1] "), id="two swapped bytes"),
        pytest.param(lambda: sram_spice(FAULTY).replace("w=520000u", "w=420000u"), id="narrow read ports"),
    ],
)
def test_a_planted_fault_is_found(extracted, kit, tmp_path, fault):
    text = fault()
    assert text != sram_spice(FAULTY)
    result = compare(extracted, text, kit, tmp_path)
    assert result.status == "fail"
    assert result.count


def test_no_gate_gets_too_much_charge(sky130):
    checks = load_checks(sky130)
    rules = {n: antenna.Rule(r.thickness, r.limit) for n, r in checks.antenna.items()}
    row, control = antenna.run(build_sram(SramSpec(32, 128)), "scf_ram_32x128", stack_of(sky130), rules)
    assert (row.status, row.count) == ("pass", 0), row
    assert control.status == "pass"
