"""Design rules, LVS and antennas of ROM macros with the real tools."""

import numpy as np
import pytest

from base_chip.arrays import rom_latch, rom_mux
from base_chip.arrays.layout import build_rom, program_rom
from base_chip.arrays.spec import RomSpec
from base_chip.arrays.spice import rom_spice
from base_chip.bank.layout import write_layout
from base_chip.pdk.checks import load_checks
from flow.tasks.wiring import stack_of
from signoff import antenna, drc_klayout, drc_magic, lvs
from tests.kit import needs

pytestmark = pytest.mark.flow
SPECS = [RomSpec(64, 32), RomSpec(64, 32, mux=4)]
RANDOM = np.random.default_rng(7).random((64, 32)) < 0.5
CONTENTS = {"random": RANDOM, "ones": np.ones((64, 32), bool), "zeros": np.zeros((64, 32), bool)}


def programmed(spec: RomSpec, bits: np.ndarray):
    layout = build_rom(spec)
    program_rom(layout, spec, bits)
    return layout


@needs("klayout")
@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
@pytest.mark.parametrize("kind", CONTENTS)
def test_klayout_finds_nothing(kit, tmp_path, kind, spec):
    write_layout(programmed(spec, CONTENTS[kind]), tmp_path / "rom.gds")
    result = drc_klayout.run(tmp_path / "rom.gds", spec.name, kit.deck, tmp_path)
    assert (result.status, result.count) == ("pass", 0), result


@needs("magic")
@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
@pytest.mark.parametrize("kind", CONTENTS)
def test_magic_finds_nothing(kit, tmp_path, kind, spec):
    write_layout(programmed(spec, CONTENTS[kind]), tmp_path / "rom.gds")
    result = drc_magic.run(tmp_path / "rom.gds", spec.name, kit.tech, tmp_path)
    assert (result.status, result.count) == ("pass", 0), result


@needs("klayout", "magic")
@pytest.mark.parametrize("mux", [1, 4])
@pytest.mark.parametrize("kind", CONTENTS)
def test_a_full_size_macro(kit, tmp_path, kind, mux):
    spec = RomSpec(256, 128, mux=mux)
    bits = np.tile(CONTENTS[kind], (4, 4))
    write_layout(programmed(spec, bits), tmp_path / "rom.gds")
    for result in (
        drc_klayout.run(tmp_path / "rom.gds", spec.name, kit.deck, tmp_path),
        drc_magic.run(tmp_path / "rom.gds", spec.name, kit.tech, tmp_path),
    ):
        assert (result.status, result.count) == ("pass", 0), result


@pytest.fixture(scope="module")
def extracted(kit, tmp_path_factory):
    """The netlist that Magic finds in a macro, by the macro's name."""
    found = {}
    for spec in SPECS:
        folder = tmp_path_factory.mktemp(spec.name)
        write_layout(programmed(spec, RANDOM), folder / "rom.gds")
        found[spec.name] = lvs.extract(folder / "rom.gds", spec.name, kit.tech, folder)
    return found


def compare(extracted, spec: RomSpec, text: str, kit, folder):
    (folder / "netlist.spice").write_text(text)
    return lvs.compare(extracted[spec.name], folder / "netlist.spice", spec.name, kit.setup, folder, "lvs")


@needs("magic", "netgen-lvs")
@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_layout_and_netlist_match(extracted, kit, tmp_path, spec):
    result = compare(extracted, spec, rom_spice(spec, RANDOM), kit, tmp_path)
    assert (result.status, result.count) == ("pass", 0), result


def _changed_bit(spec: RomSpec) -> str:
    bits = RANDOM.copy()
    bits[63, 31] ^= True
    return rom_spice(spec, bits)


def _without(spec: RomSpec, mark: str) -> str:
    lines = rom_spice(spec, RANDOM).splitlines()
    victim = next(i for i, line in enumerate(lines) if mark in line)
    return "\n".join(lines[:victim] + lines[victim + 1 :]) + "\n"


def _swapped(spec: RomSpec, one: str, two: str) -> str:
    text = rom_spice(spec, RANDOM)
    head, body = text.split("\nX", 1)
    body = body.replace(one, "@").replace(two, one).replace("@", two)
    return f"{head}\nX{body}"


def _keeper(spec: RomSpec) -> int:
    return (rom_latch.SIZES if spec.mux == 1 else rom_mux.SIZES).keeper_length


FAULTS = {
    "a changed bit": _changed_bit,
    "a missing keeper": lambda spec: _without(spec, f"bl9 m{9 // spec.mux} VPWR"),
    "a word line without its pull-down": lambda spec: _without(spec, "wl10 b_n[1] VGND"),
    "two swapped address lines": lambda spec: _swapped(spec, " a[1] ", " a[2] "),
    "two swapped groups": lambda spec: _swapped(spec, " b_n[0] ", " b_n[3] "),
    "two swapped outputs": lambda spec: _swapped(spec, " q[4] ", " q[5] "),
    "keepers too strong": lambda spec: rom_spice(spec, RANDOM).replace(f"l={_keeper(spec)}000u", "l=150000u"),
}
SHARED = {
    "two swapped selects": lambda spec: _swapped(spec, " select[1] ", " select[2] "),
    "a latch that does not hold": lambda spec: _without(spec, "h5 load_n VGND"),
}
PLANTED = [(spec, name) for spec in SPECS for name in (FAULTS | SHARED if spec.mux > 1 else FAULTS)]


@needs("magic", "netgen-lvs")
@pytest.mark.parametrize(
    ("spec", "fault"), PLANTED, ids=lambda value: value if isinstance(value, str) else value.name
)
def test_a_planted_fault_is_found(extracted, kit, tmp_path, spec, fault):
    text = (FAULTS | SHARED)[fault](spec)
    assert text != rom_spice(spec, RANDOM)
    result = compare(extracted, spec, text, kit, tmp_path)
    assert result.status == "fail"
    assert result.count


@pytest.mark.parametrize("mux", [1, 4])
@pytest.mark.parametrize("kind", ["ones", "zeros"])
def test_no_gate_gets_too_much_charge_whatever_the_contents(sky130, kind, mux):
    checks = load_checks(sky130)
    rules = {n: antenna.Rule(r.thickness, r.limit) for n, r in checks.antenna.items()}
    spec = RomSpec(256, 32, mux=mux)
    layout = programmed(spec, np.full((256, 32), kind == "ones"))
    row, control = antenna.run(layout, spec.name, stack_of(sky130), rules)
    assert (row.status, row.count) == ("pass", 0), row
    assert control.status == "pass"
