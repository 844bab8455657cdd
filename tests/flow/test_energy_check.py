"""The energy of the routed rom tile by OpenSTA, with the same activity, beside that of the step `energy`."""

import random
from dataclasses import replace

import pytest

from base_chip.harden.artifact import HardenedTile
from base_chip.harden.cells import cell_lef
from base_chip.pdk.place_route import load_place_route
from flow.hardening.blocks import load_block
from flow.hardening.synthesis import CORNER
from flow.stitching.energy import SimulatedTile, die_nets, simulated_die
from flow.stitching.energy_check import GROUPS, Pair, compare
from signoff.netlist import Instance, Netlist, read_netlist
from signoff.power.flat import OUTSIDE
from signoff.power.rises import counted
from tests.kit import needs

pytestmark = [pytest.mark.flow, needs("openroad")]
CYCLES = 60
PERIOD_NS = 40.0
# By how much OpenSTA's may differ, of ours. It takes the larger of the two capacitances of a pin, for rise
# and fall, where ours have their mean: 1 to 3 % of what is charged. It looks energies up at the slews and
# loads that are there, ours are at 0.12 ns and near 0.01 pF: clock buffers, with six times that, take 4 %
# more inside. Most energy of a register is that of its clock pin, which has one number, as a macro's read
# has.
LIMITS = {"clock": 0.04, "registers": 0.005, "cells": 0.025, "ROM macros": 0.001}
TOTAL = 0.015


@pytest.fixture(scope="module")
def die(tmp_path_factory, sky130, pdk_kit):
    """A die that is one rom tile, as it ships."""
    if CORNER not in pdk_kit.liberty:
        pytest.skip("no liberty here (PDK_ROOT, lambdapdk or SCF_LIBERTY_DIR)")
    folder, (block, _) = tmp_path_factory.mktemp("rom"), load_block("rom")
    kept = HardenedTile.read(HardenedTile.home("rom"), "rom")
    for name in ("netlist.v", "layout.def"):
        (folder / name).write_bytes(kept.content(name))
    lefs = [
        cell_lef(pdk_kit.path("cells"), load_place_route(sky130).library),
        *(m.lef for m in block.memories),
    ]
    (folder / "cells.lef").write_text("\n".join(lefs))
    tile = read_netlist(folder / "netlist.v")
    pins = {port: tuple(tile.bits(port)) for port in tile.ports}
    around = Netlist("d", tile.ports, {"rom": Instance(tile.name, "rom", pins)}, ())
    tiles = {"rom": SimulatedTile(block.top, folder / "netlist.v", block.memories, folder)}
    nets = die_nets(around, tiles, {}, sky130, pdk_kit)
    return simulated_die(nets, block.memories, PERIOD_NS, sky130, pdk_kit)


def states_of(die, seed=1):
    """Random states: a flip-flop is another in one of ten cycles, a clock gate in four, a ROM in twenty.

    Nothing computes them, so they do not fit together, and no energy depends on that.
    """
    rng = random.Random(seed)

    def wave(share, first):
        """Changes in a share of the cycles, at one of the two edges of the clock."""
        value, bits = rng.random() < 0.5, 0
        for sample in range(2 * CYCLES + 1):
            value ^= sample % 2 == first and rng.random() < share
            bits |= value << sample
        return bits

    clock = sum(2 << 2 * n for n in range(CYCLES))
    states = {}
    for name, of in die.nets.flat.netlist.instances.items():
        cell = die.cells.get(of.cell)
        if of.cell == OUTSIDE:
            states[of.pins["out"][0]] = clock if name == "port.clk" else wave(0.2, 0)
        elif cell is None:
            states[of.pins["reads"][0]] = wave(0.1, 0)
            states |= {f"{name}.q[{n}]": wave(0.1, 0) for n in range(len(of.pins["q"]))}
        elif cell.storage is not None:
            states[f"{name}.state.Q"] = wave(0.1, 1) if of.cell.find("dlclk") < 0 else wave(0.4, 0)
    return states


@pytest.fixture(scope="module")
def activity(die):
    return counted(die.nets.flat, die.cells, states_of(die), 2 * CYCLES + 1)


@pytest.fixture(scope="module")
def found(die, activity, sky130, pdk_kit, tmp_path_factory):
    told = compare(die, activity, CYCLES, sky130, pdk_kit, tmp_path_factory.mktemp("sta"))
    return {group: pair for (_, group), pair in told.items()}


def far(found):
    """Groups that differ by more than they may."""
    wrong = {group for group, pair in found.items() if abs(pair.difference) > LIMITS[group]}
    return wrong | ({"all"} if abs(Pair.of(found.values()).difference) > TOTAL else set())


def test_opensta_comes_to_the_same_energy_by_group_and_in_all(found):
    for group, pair in found.items():
        print(group, pair, f"{pair.difference:+.2%}")
    print(f"{Pair.of(found.values()).difference:+.2%}")
    assert set(found) == LIMITS.keys() <= set(GROUPS)
    assert all(pair.ours.total > 1e-10 for pair in found.values())
    assert far(found) == set()
    for pair in found.values():
        assert pair.theirs.leakage == pytest.approx(pair.ours.leakage, rel=0.01)


def test_a_group_that_is_twice_as_busy_for_one_of_the_two_is_seen(
    die, activity, found, sky130, pdk_kit, tmp_path
):
    """The control: nets of cells that are no registers and no clock rise twice as often for OpenSTA."""
    driven = {
        net
        for of in die.nets.flat.netlist.instances.values()
        if (cell := die.cells.get(of.cell)) is not None and cell.storage is None and len(cell.inputs) > 1
        for pin in cell.outputs
        for net in of.pins[pin]
    }
    busier = {name: count * (2 if name in driven else 1) for name, count in activity.rises.items()}
    told = compare(die, replace(activity, rises=busier), CYCLES, sky130, pdk_kit, tmp_path)
    mixed = {group: Pair(found[group].ours, pair.theirs) for (_, group), pair in told.items()}
    assert "cells" in far(mixed)
    assert mixed["ROM macros"].theirs.total == pytest.approx(found["ROM macros"].theirs.total, rel=1e-3)
