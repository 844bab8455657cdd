"""Design rules, LVS and antennas of ROM macros with the real tools."""

import numpy as np
import pytest

from base_chip.arrays.layout import build_rom, program_rom
from base_chip.arrays.spec import RomSpec
from base_chip.arrays.spice import rom_spice
from base_chip.bank.layout import write_layout
from base_chip.pdk.checks import load_checks
from flow.tasks.wiring import stack_of
from signoff import antenna, drc_klayout, drc_magic, lvs
from tests.kit import needs

pytestmark = pytest.mark.flow
SPEC = RomSpec(64, 32)
RANDOM = np.random.default_rng(7).random((64, 32)) < 0.5
CONTENTS = {"random": RANDOM, "ones": np.ones((64, 32), bool), "zeros": np.zeros((64, 32), bool)}


def programmed(spec: RomSpec, bits: np.ndarray):
    layout = build_rom(spec)
    program_rom(layout, spec, bits)
    return layout


@needs("klayout")
@pytest.mark.parametrize("kind", CONTENTS)
def test_klayout_finds_nothing(kit, tmp_path, kind):
    write_layout(programmed(SPEC, CONTENTS[kind]), tmp_path / "rom.gds")
    result = drc_klayout.run(tmp_path / "rom.gds", SPEC.name, kit.deck, tmp_path)
    assert (result.status, result.count) == ("pass", 0), result


@needs("magic")
@pytest.mark.parametrize("kind", CONTENTS)
def test_magic_finds_nothing(kit, tmp_path, kind):
    write_layout(programmed(SPEC, CONTENTS[kind]), tmp_path / "rom.gds")
    result = drc_magic.run(tmp_path / "rom.gds", SPEC.name, kit.tech, tmp_path)
    assert (result.status, result.count) == ("pass", 0), result


@needs("klayout", "magic")
@pytest.mark.parametrize("kind", CONTENTS)
def test_a_full_size_macro(kit, tmp_path, kind):
    spec = RomSpec(256, 128)
    bits = np.tile(CONTENTS[kind], (4, 4))
    write_layout(programmed(spec, bits), tmp_path / "rom.gds")
    for result in (
        drc_klayout.run(tmp_path / "rom.gds", spec.name, kit.deck, tmp_path),
        drc_magic.run(tmp_path / "rom.gds", spec.name, kit.tech, tmp_path),
    ):
        assert (result.status, result.count) == ("pass", 0), result


@pytest.fixture(scope="module")
def extracted(kit, tmp_path_factory):
    folder = tmp_path_factory.mktemp("rom_lvs")
    write_layout(programmed(SPEC, RANDOM), folder / "rom.gds")
    return lvs.extract(folder / "rom.gds", SPEC.name, kit.tech, folder)


def compare(extracted, text: str, kit, folder):
    (folder / "netlist.spice").write_text(text)
    return lvs.compare(extracted, folder / "netlist.spice", SPEC.name, kit.setup, folder, "lvs")


@needs("magic", "netgen-lvs")
def test_layout_and_netlist_match(extracted, kit, tmp_path):
    result = compare(extracted, rom_spice(SPEC, RANDOM), kit, tmp_path)
    assert (result.status, result.count) == ("pass", 0), result


def _changed_bit() -> str:
    bits = RANDOM.copy()
    bits[63, 31] ^= True
    return rom_spice(SPEC, bits)


def _without(mark: str) -> str:
    lines = rom_spice(SPEC, RANDOM).splitlines()
    victim = next(i for i, line in enumerate(lines) if mark in line)
    return "\n".join(lines[:victim] + lines[victim + 1 :]) + "\n"


def _swapped(one: str, two: str) -> str:
    text = rom_spice(SPEC, RANDOM)
    head, body = text.split("\nX", 1)
    body = body.replace(one, "@").replace(two, one).replace("@", two)
    return f"{head}\nX{body}"


@needs("magic", "netgen-lvs")
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(_changed_bit, id="a changed bit"),
        pytest.param(lambda: _without("bl9 m9 VPWR"), id="a missing keeper"),
        pytest.param(lambda: _without("wl10 b_n[1] VGND"), id="a word line without its pull-down"),
        pytest.param(lambda: _swapped(" a[1] ", " a[2] "), id="two swapped address lines"),
        pytest.param(lambda: _swapped(" b_n[0] ", " b_n[3] "), id="two swapped groups"),
        pytest.param(lambda: _swapped(" q[4] ", " q[5] "), id="two swapped outputs"),
        pytest.param(
            lambda: rom_spice(SPEC, RANDOM).replace("l=240000u", "l=150000u"), id="keepers too strong"
        ),
    ],
)
def test_a_planted_fault_is_found(extracted, kit, tmp_path, fault):
    text = fault()
    assert text != rom_spice(SPEC, RANDOM)
    result = compare(extracted, text, kit, tmp_path)
    assert result.status == "fail"
    assert result.count


@pytest.mark.parametrize("kind", ["ones", "zeros"])
def test_no_gate_gets_too_much_charge_whatever_the_contents(sky130, kind):
    checks = load_checks(sky130)
    rules = {n: antenna.Rule(r.thickness, r.limit) for n, r in checks.antenna.items()}
    layout = programmed(RomSpec(256, 32), np.full((256, 32), kind == "ones"))
    row, control = antenna.run(layout, "scf_rom_256x32", stack_of(sky130), rules)
    assert (row.status, row.count) == ("pass", 0), row
    assert control.status == "pass"
