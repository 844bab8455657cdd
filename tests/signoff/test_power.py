"""Grids of resistors against what one works out by hand, and the energy of a few cells."""

import math
from dataclasses import replace

import numpy as np
import pytest

from rtl_gen.errors import FlowError
from signoff.assembly.routed import Routed, read_macros, read_vias
from signoff.netlist import Instance, Netlist
from signoff.power.energy import Activity, Corner, Energy, energies_of
from signoff.power.grid import Grid, grid_of
from signoff.power.picture import draw_drops
from signoff.power.run import CornerGrid, analyse
from signoff.power.solve import drops_of
from tests.signoff import small_design as design

WIRES = ("met1", "met2", "met3", "met4", "met5")
OHMS = {"met1": 0.125, "met2": 9.0, "met3": 9.0, "met4": 0.047, "met5": 0.029}
OHMS |= {"via": 4.5, "via2": 3.41, "via3": 3.4, "via4": 0.38}


@pytest.fixture(scope="module")
def routed() -> Routed:
    return Routed(design.def_text(), read_macros(design.LEF), read_vias(design.LEF))


@pytest.fixture(scope="module")
def grids(routed) -> list[Grid]:
    places = {name: place for name, place in routed.placed.items() if place[0] == "inv"}
    return [grid_of(routed, net, WIRES, places, ()) for net in ("VGND", "VPWR")]


def test_a_drop_is_that_of_the_resistors_on_the_way(grids):
    """u2 takes 1 mA: 1.2 um of rail to the strap, vias, and two met5 straps beside each other."""
    across = OHMS["met5"] * 4 * 21 / 25  # from the met4 strap to both ends of a met5 strap
    near = OHMS["via4"] / 2 + across
    far = 10 * OHMS["met4"] + near
    stack = (OHMS["via"] + OHMS["via2"] + OHMS["via3"]) / 2  # two cuts each
    ohms = 6 * OHMS["met1"] + stack + 2 * OHMS["met4"] + near * far / (near + far)
    found = drops_of(grids[1], OHMS, {"u2": 1e-3})
    assert found.by_instance["u2"] == pytest.approx(1e-3 * ohms)
    assert found.unfed == ()


def test_drops_add_up(grids):
    one, other = (drops_of(grids[1], OHMS, {name: 1e-3}).by_instance for name in ("u0", "u2"))
    both = drops_of(grids[1], OHMS, {"u0": 1e-3, "u2": 1e-3}).by_instance
    assert both["u2"] == pytest.approx(one["u2"] + other["u2"])


def test_what_no_source_reaches_loses_everything(grids):
    grid = grids[1]
    cut = replace(grid, sources=np.array([], np.int64))
    found = drops_of(cut, OHMS, {"u2": 1e-3})
    assert set(found.unfed) == {"u0", "u1", "u2"}
    assert math.isinf(found.by_instance["u2"])


def test_a_cell_beside_all_rails_is_not_fed(routed):
    grid = grid_of(routed, "VPWR", WIRES, {"lost": ("inv", 0, 0, 9000)}, ())
    assert grid.unfed == ("lost",)


def test_a_cell_without_a_pin_on_a_supply_is_told_and_takes_nothing(grids):
    grid = replace(grids[1], points={**grids[1].points, "u9": []}, unfed=("u9",))
    found = drops_of(grid, OHMS, {"u2": 1e-3, "u9": 1e-3})
    assert found.unfed == ("u9",)
    assert found.by_instance == drops_of(grids[1], OHMS, {"u2": 1e-3}).by_instance


def test_supplies_that_no_cell_is_on_are_an_error(grids):
    corner = CornerGrid(1.8, OHMS, Energy({"u2": 1e-12}, 0.0, 0.0, 0.0, 1e-6, ()))
    cut = replace(grids[1], sources=np.array([], np.int64))
    with pytest.raises(FlowError, match="no cell is on both VGND and VPWR"):
        analyse([grids[0], cut], {"typical": corner}, 5, lambda _: (0.0, 0.0))


def test_a_supply_without_uppermost_wires_is_an_error(routed):
    with pytest.raises(FlowError, match="no wire on met6"):
        grid_of(routed, "VPWR", (*WIRES, "met6"), {}, ())


def test_a_grid_comes_back_from_its_file(grids, tmp_path):
    grids[0].save(tmp_path / "g.npz")
    again = Grid.load(tmp_path / "g.npz")
    assert again.points == grids[0].points
    assert (
        drops_of(again, OHMS, {"u1": 1e-3}).by_instance == drops_of(grids[0], OHMS, {"u1": 1e-3}).by_instance
    )
    first = (tmp_path / "g.npz").read_bytes()
    again.save(tmp_path / "g.npz")
    assert (tmp_path / "g.npz").read_bytes() == first


def energy(joules: float, without: tuple[str, ...] = ()) -> Energy:
    """A run of 1 us in which each cell takes so much."""
    return Energy(dict.fromkeys(("u0", "u1", "u2"), joules), 0.0, 0.0, 0.0, 1e-6, without)


def rows(grids, joules=1e-12, without=()):
    corner = CornerGrid(1.8, OHMS, energy(joules, without))
    return analyse(grids, {"typical": corner}, 5.0, lambda name: (0.0, 0.0))


def test_rows_of_a_good_grid(grids):
    (row, control), found = rows(grids)
    assert (row.status, row.count) == ("pass", 0)
    assert row.detail.startswith("largest drop: typical 0.02 mV (0.00 %)")
    assert (control.status, control.count) == ("pass", 0), control
    assert "a strap removed raises the drop" in control.detail
    assert found["typical"].worst in ("u0", "u1", "u2")


def test_too_much_current_fails(grids):
    (row, _), _ = rows(grids, joules=2e-7)  # 0.1 A each
    assert (row.status, row.count) == ("fail", 3)
    assert "loses" in row.detail


def test_a_drop_of_the_whole_supply_fails(grids):
    grid = grids[1]
    node = grid.points["u2"][0]
    cut = replace(
        grid, points={**grid.points, "u2": [len(grid.nodes)]}, nodes=np.vstack([grid.nodes, grid.nodes[node]])
    )
    (row, _), _ = rows([grids[0], cut])
    assert (row.status, row.count) == ("fail", 1)
    assert row.detail == "typical: a supply does not reach u2, which loses all of it"


def test_a_cell_without_energy_is_a_fault(grids):
    (row, _), _ = rows(grids, without=("odd_1",))
    assert (row.status, row.count) == ("fail", 1)


NETLIST = Netlist(
    "top",
    {},
    {
        "a": Instance("inv_1", "a", {"A": ("in",), "Y": ("mid",)}),
        "b": Instance("inv_1", "b", {"A": ("mid",), "Y": ("out",)}),
        "rom": Instance("rom", "rom", {"a": ("out", "mid"), "q": ("q1", "q0")}),
    },
    (),
)
CORNER = Corner(
    2.0,
    10e-9,
    {"inv_1": 1e-9},
    {"inv_1": {"A": 1e-15, "Y": 5e-15}, "rom": {"q[0]": 300e-15, "q[1]": 200e-15}},
    {"inv_1": {"A": 2e-15}, "rom": {"a[0]": 30e-15, "a[1]": 40e-15}},
)


def test_energy_is_wires_inputs_and_what_cells_take_inside():
    rises = {"in": 3, "mid": 3, "out": 2, "q1": 4}
    found = energies_of(NETLIST, {"mid": 10e-15}, Activity(100, 1, rises), CORNER)
    leak = 1e-9 * 100 * 10e-9
    # mid has 10 fF of wire, one inverter and an address
    assert found.by_instance["a"] == pytest.approx(3 * (10 + 2 + 30) * 1e-15 * 4 + 3 * 6e-15 + leak)
    assert found.by_instance["b"] == pytest.approx(2 * 40e-15 * 4 + 3e-15 + 2 * 5e-15 + leak)
    assert found.by_instance["rom"] == pytest.approx(4 * 200e-15)
    assert found.total == pytest.approx(found.switching + found.inside + found.leakage)
    assert found.seconds == pytest.approx(1e-6)
    assert found.without == ()


def test_a_kind_of_cell_without_energies_is_told():
    without = replace(CORNER, inside={"inv_1": CORNER.inside["inv_1"]})
    assert energies_of(NETLIST, {}, Activity(1, 1, {}), without).without == ("rom",)


def test_activity_of_another_netlist_is_refused():
    with pytest.raises(FlowError, match="not in the netlist: other"):
        energies_of(NETLIST, {}, Activity(1, 1, {"other": 1}), CORNER)


def test_the_map_is_the_same_each_time(tmp_path):
    for name in "ab":
        places = {"u0": (5.0, 5.0), "u1": (95.0, 40.0)}
        draw_drops(tmp_path / name, {"u0": 1e-3, "u1": math.inf}, places, (100.0, 50.0))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert (tmp_path / "a").read_bytes().startswith(b"\x89PNG")
