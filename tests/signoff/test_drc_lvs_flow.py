"""DRC and LVS with the real tools on small banks."""

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import klayout.db as kdb
import numpy as np
import pytest

from base_chip.bank import BankSpec, SiteGrid, build_bank, program_bank, write_layout
from base_chip.bank.spice import bank_spice
from base_chip.pdk import load_pdk
from rtl_gen.errors import ExitCode, FlowError
from signoff import drc_klayout, drc_magic, lvs
from signoff.controls import KLAYOUT_ERRORS, MAGIC_ERRORS, plant
from signoff.waivers import Waiver
from tests.kit import Kit, needs

pytestmark = pytest.mark.flow
PDK = load_pdk("sky130")
EMPTY = (3, 3)  # word line and bit line of a site that stays empty, for planted errors


def contents(spec: BankSpec, kind: str) -> np.ndarray:
    shape = spec.word_lines, spec.bit_lines
    if kind == "random":
        bits = np.random.default_rng(7).random(shape) < 0.5
        bits[EMPTY] = False
        return bits
    return np.full(shape, kind == "ones")


def programmed(spec: BankSpec, bits: np.ndarray, path: Path) -> Path:
    layout = build_bank(spec)
    program_bank(layout, spec, bits)
    write_layout(layout, path)
    return path


def site(spec: BankSpec) -> tuple[int, int]:
    sites = SiteGrid.of(spec)
    return int(sites.x[EMPTY[1]]), int(sites.y[EMPTY[0]])


SPECS = [BankSpec(8, 8), BankSpec(32, 40), replace(BankSpec(64, 32), precharge_fingers=8)]


@needs("klayout")
@pytest.mark.parametrize("kind", ["random", "ones", "zeros"])
@pytest.mark.parametrize("spec", SPECS, ids=lambda s: s.name)
def test_klayout_finds_nothing(kit, tmp_path, spec, kind):
    layout = programmed(spec, contents(spec, kind), tmp_path / "bank.gds")
    result = drc_klayout.run(layout, spec.name, kit.deck, tmp_path, timeout=300)
    assert (result.status, result.count) == ("pass", 0), result


@needs("magic")
@pytest.mark.parametrize("kind", ["random", "ones", "zeros"])
@pytest.mark.parametrize("spec", SPECS, ids=lambda s: s.name)
def test_magic_finds_nothing(kit, tmp_path, spec, kind):
    layout = programmed(spec, contents(spec, kind), tmp_path / "bank.oas")
    result = drc_magic.run(layout, spec.name, kit.tech, tmp_path)
    assert (result.status, result.count) == ("pass", 0), result


@needs("klayout")
def test_density_and_empty_shapes(kit, tmp_path):
    spec = BankSpec(64, 32)
    layout = programmed(spec, contents(spec, "ones"), tmp_path / "bank.gds")
    dense = drc_klayout.density(layout, spec.name, kit.density, tmp_path)
    assert dense.status == "pass"
    assert "m3 45%" in dense.detail
    assert drc_klayout.zero_area(layout, spec.name, kit.zero_area, tmp_path).status == "pass"


@needs("klayout")
def test_too_much_metal_and_an_empty_shape_are_found(kit, tmp_path):
    for name, result in (
        ("density_control", drc_klayout.density_control(kit.density, tmp_path, layers=PDK.layers)),
        ("zero_area_control", drc_klayout.zero_area_control(kit.zero_area, tmp_path, layers=PDK.layers)),
    ):
        assert (result.name, result.status, result.count) == (name, "pass", 0), result


@needs("magic")
def test_a_tech_file_that_magic_cannot_read_is_no_pass(kit, tmp_path):
    spec = BankSpec(8, 8)
    layout = programmed(spec, contents(spec, "zeros"), tmp_path / "bank.gds")
    with pytest.raises(FlowError, match=r"Magic: .*Failed to load technology") as found:
        drc_magic.run(layout, spec.name, tmp_path / "missing.tech", tmp_path)
    assert found.value.code == ExitCode.TOOL_FAILED


@needs("magic")
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_magic_finds_a_fault_however_deep_it_lies(kit, tmp_path, depth):
    """Its listing stops at the subcells of the loaded cell."""
    layout = kdb.Layout()
    via = layout.create_cell("via")  # as of a router: the fault is that its wire is too short
    for name, half in (("met2", 140), ("via2", 100), ("met3", 165)):
        via.shapes(layout.layer(*PDK.layers[name])).insert(kdb.Box(-half, -half, half, half))
    cell = layout.create_cell("level0")
    cell.insert(kdb.CellInstArray(via.cell_index(), kdb.Trans()))
    for name, half in (("met2", 1000), ("met3", 165)):
        cell.shapes(layout.layer(*PDK.layers[name])).insert(kdb.Box(-140, -half, 140, half))
    for level in range(1, depth + 1):
        above = layout.create_cell(f"level{level}")
        above.insert(kdb.CellInstArray(cell.cell_index(), kdb.Trans(1000, 0)))
        cell = above
    write_layout(layout, tmp_path / "deep.gds")
    result = drc_magic.run(tmp_path / "deep.gds", cell.name, kit.tech, tmp_path)
    assert result.status == "fail", result
    assert "met3.6" in result.detail


@needs("klayout", "magic")
def test_planted_errors_are_found(kit, tmp_path):
    spec = BankSpec(8, 8)
    layout = programmed(spec, contents(spec, "random"), tmp_path / "bank.gds")
    where = {"site": site(spec), "layers": PDK.layers}
    for result in (
        drc_klayout.control(layout, spec.name, kit.deck, tmp_path / "k", **where),
        drc_magic.control(layout, spec.name, kit.tech, tmp_path / "m", **where),
    ):
        assert (result.status, result.count) == ("pass", 0), result


@needs("klayout", "magic")
@pytest.mark.parametrize("tool", ["klayout", "magic"])
def test_a_waiver_covers_the_planted_error_in_its_region_alone(kit, tmp_path, tool):
    spec = BankSpec(8, 8)
    layout = programmed(spec, contents(spec, "random"), tmp_path / "bank.gds")
    if tool == "klayout":
        check, rules, errors = drc_klayout.run, kit.deck, KLAYOUT_ERRORS[1:2]
        rule = "MR_met1.SP.1"
    else:
        check, rules, errors = drc_magic.run, kit.tech, MAGIC_ERRORS[2:3]
        rule = "Metal1 spacing < 0.14um (met1.2)"
    plant(layout, spec.name, tmp_path / "planted.gds", errors, site(spec), PDK.layers)
    chip = kdb.Layout()
    chip.read(str(layout))
    box = chip.top_cell().dbbox()
    near = (box.right + 9, box.bottom - 1, box.right + 13, box.bottom + 2)
    waiver = Waiver(f"drc_{tool}", rule, near, "planted", date(2030, 1, 1))
    elsewhere = replace(waiver, region=(box.right + 20, 0.0, box.right + 30, 9.0))
    found = check(tmp_path / "planted.gds", spec.name, rules, tmp_path / "a", waivers=[waiver])
    assert found.waived > 0, found
    assert rule not in found.detail
    other = check(tmp_path / "planted.gds", spec.name, rules, tmp_path / "b", waivers=[elsewhere])
    assert (other.status, other.waived) == ("fail", 0)
    assert "covers no fault" in other.reason
    assert rule in other.detail


@needs("klayout", "magic")
def test_a_wrong_top_cell_or_a_damaged_file_is_no_pass(kit, tmp_path):
    spec = BankSpec(8, 8)
    layout = programmed(spec, contents(spec, "zeros"), tmp_path / "bank.gds")
    damaged = tmp_path / "damaged.gds"
    damaged.write_bytes(layout.read_bytes()[:2000])
    for path, top in ((layout, "no_such_cell"), (damaged, spec.name)):
        for run, rules in ((drc_klayout.run, kit.deck), (drc_magic.run, kit.tech)):
            with pytest.raises(FlowError) as found:
                run(path, top, rules, tmp_path)
            assert found.value.code == ExitCode.TOOL_FAILED


@needs("klayout")
def test_two_runs_check_every_rule_of_the_deck(kit, tmp_path):
    spec = BankSpec(8, 8)
    layout = programmed(spec, contents(spec, "zeros"), tmp_path / "bank.gds")
    assert drc_klayout.run(layout, spec.name, kit.deck, tmp_path).status == "pass"
    reports = sorted(tmp_path.glob("*/drc_klayout.lyrdb"))
    text = "".join(p.read_text() for p in reports)
    asked = re.sub(r"^ *#.*$", "", kit.deck.read_text(), flags=re.M)
    groups = sorted(set(re.findall(r"^if not defined\? \$(\w+)|^if \$(\w+) ==", asked, re.M)))
    flags = {name for pair in groups for name in pair if name} - {"sram_exclude", "info"}
    assert flags == {group for run in drc_klayout._RUNS for group in run}
    named = set(re.findall(r'output\(\s*"([\w.]+)"', asked))
    lost = {name for name in named if f"<name>{name}</name>" not in text}
    assert len(reports) == 2
    assert len(named) > 200
    assert lost == set()


@needs("klayout")
def test_a_deck_that_breaks_off_is_no_pass(kit, tmp_path):
    spec = BankSpec(8, 8)
    layout = programmed(spec, contents(spec, "zeros"), tmp_path / "bank.gds")
    deck = tmp_path / "deck.drc"
    deck.write_text(kit.deck.read_text().replace("if BEOL\n", "if BEOL\n    raise 'broken'\n", 1))
    with pytest.raises(FlowError, match=r"KLayout: .*broken"):
        drc_klayout.run(layout, spec.name, deck, tmp_path)


@pytest.fixture(scope="session")
def extracted(kit, tmp_path_factory) -> tuple[BankSpec, np.ndarray, Path]:
    """A bank of 64 x 32 random bits, and the netlist extracted from its layout."""
    spec, folder = BankSpec(64, 32), tmp_path_factory.mktemp("lvs")
    bits = contents(spec, "random")
    layout = programmed(spec, bits, folder / "bank.gds")
    return spec, bits, lvs.extract(layout, spec.name, kit.tech, folder)


def compare(extracted, bits: np.ndarray, kit: Kit, folder: Path):
    spec, _, netlist = extracted
    (folder / "bits.spice").write_text(bank_spice(spec, bits))
    return lvs.compare(netlist, folder / "bits.spice", spec.name, kit.setup, folder, "lvs")


@needs("magic", "netgen-lvs")
def test_the_layout_is_the_netlist_of_its_bits(kit, extracted, tmp_path):
    result = compare(extracted, extracted[1], kit, tmp_path)
    assert (result.status, result.count) == ("pass", 0), result


@needs("magic", "netgen-lvs")
@pytest.mark.parametrize("cell", [(0, 0), (5, 3), (63, 31)])
def test_one_wrong_bit_is_a_mismatch(kit, extracted, tmp_path, cell):
    bits = extracted[1].copy()
    bits[cell] ^= True
    result = compare(extracted, bits, kit, tmp_path)
    assert result.status == "fail"
    assert result.count


@needs("magic", "netgen-lvs")
@pytest.mark.parametrize("axis", [0, 1], ids=["word lines", "bit lines"])
def test_swapped_lines_are_a_mismatch_although_the_circuits_are_alike(kit, extracted, tmp_path, axis):
    """Two swapped columns give an isomorphic circuit: only the names of the pins tell."""
    order = np.arange(extracted[1].shape[axis])
    order[[4, 7]] = order[[7, 4]]
    result = compare(extracted, np.take(extracted[1], order, axis=axis), kit, tmp_path)
    assert result.status == "fail"
    assert result.count


@needs("magic", "netgen-lvs")
@pytest.mark.parametrize("kind", ["ones", "zeros"])
def test_lvs_with_its_control_on_symmetrical_contents(kit, tmp_path, kind):
    spec = BankSpec(8, 16)
    bits = contents(spec, kind)
    layout = programmed(spec, bits, tmp_path / "bank.oas")
    right, wrong = tmp_path / "right.spice", tmp_path / "wrong.spice"
    right.write_text(bank_spice(spec, bits))
    bits[2, 5] ^= True
    wrong.write_text(bank_spice(spec, bits))
    results = lvs.run(layout, spec.name, right, wrong, kit.tech, kit.setup, tmp_path / "lvs")
    assert [r.name for r in results] == ["lvs", "lvs_control"]
    assert [r.status for r in results] == ["pass", "pass"], results


@needs("magic", "netgen-lvs")
def test_a_control_that_matches_is_a_fail(kit, tmp_path):
    spec = BankSpec(2, 8)
    bits = contents(spec, "ones")
    layout = programmed(spec, bits, tmp_path / "bank.gds")
    netlist = tmp_path / "right.spice"
    netlist.write_text(bank_spice(spec, bits))
    right, control = lvs.run(layout, spec.name, netlist, netlist, kit.tech, kit.setup, tmp_path / "lvs")
    assert (right.status, control.status) == ("pass", "fail")
    assert control.reason == "a netlist with a fault was taken for the layout's"
