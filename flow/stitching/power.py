"""Static IR drop of a stitched die, at an activity that is assumed."""

__all__ = ["DiePower", "check_power"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import klayout.db as kdb

from base_chip.harden.block import Macro
from base_chip.pdk import Pdk, load_pdk
from base_chip.pdk.place_route import Corner as Asked
from base_chip.pdk.place_route import load_place_route
from base_chip.pdk.power import load_power
from flow.pdk.files import PdkFiles
from flow.stitching.periods import PERIODS
from flow.stitching.routed import routed_of
from flow.stitching.stitch import Stitched
from flow.stitching.tiles import HardTile
from flow.tasks.energies import kit_corner, wire_farads, with_macros
from flow.tasks.wiring import stack_of
from signoff.assembly.routed import read_macros
from signoff.netlist import Netlist, read_netlist
from signoff.power.assumed import assumed
from signoff.power.die import die_grid, margin_grid
from signoff.power.energy import Energy, energies_of
from signoff.power.grid import Grid, centre_of, grid_of
from signoff.power.run import CornerGrid, Found, analyse
from signoff.power.solve import drops_of
from signoff.result import CheckResult

SUPPLIES = ("VGND", "VPWR")
_CLOCK = "clk"


@dataclass(frozen=True)
class DiePower:
    """What was found.

    Attributes:
        rows: `ir_drop` and its control.
        metrics: Power and drop by corner; of the worst, ohms from the pins to the instance that loses most.
        worst: Corner of the largest drop, in percent of its supply.
        found: By corner.
        places: Centre of each instance, um.
        note: Numbers of the typical corner.
    """

    rows: list[CheckResult]
    metrics: dict[str, float]
    worst: str
    found: Mapping[str, Found]
    places: Mapping[str, tuple[float, float]]
    note: str


@dataclass(frozen=True)
class _Tile:
    netlist: Netlist
    farads: Mapping[str, float]
    grids: Mapping[str, Grid]
    places: Mapping[str, tuple[float, float]]


def check_power(made: Stitched, tiles: Mapping[str, HardTile], period_ns: float, files: PdkFiles) -> DiePower:
    """IR drop of every cell of a die that is fed at its pins, in three corners.

    Clocks rise and macros work in each cycle; all other nets rise as the PDK's `assumed_activity` says.

    Args:
        made: The die.
        tiles: By kind.
        period_ns: Clock period of the slow and the fast corner; `PERIODS` has the others'.
        files: The PDK.
    """
    pdk = load_pdk(made.plan.pdk)
    facts, routing = load_power(pdk), load_place_route(pdk)
    known = {kind: _tile(tile, pdk, files) for kind, tile in tiles.items()}
    grids = _grids(made, known, pdk)
    corners = {}
    for name, asked in routing.corners.items():
        period = period_ns * PERIODS.get(name, 1)
        energy = {
            kind: _energy(tile, tiles[kind].macros, pdk, asked, period, facts.assumed_activity)
            for kind, tile in known.items()
        }
        whole = _together({t.name: energy[t.view.kind] for t in made.plan.tiles})
        corners[name] = CornerGrid(asked.voltage, facts.ohms[asked.parasitics], whole)
    places = {}
    for tile in made.plan.tiles:
        x, y = tile.at
        for name, (cx, cy) in known[tile.view.kind].places.items():
            places[f"{tile.name}.{name}"] = cx + x / 1000, cy + y / 1000
    rows, found = analyse(grids, corners, facts.limit_percent, lambda name: places[name])
    metrics: dict[str, float] = {}
    for name, corner in corners.items():
        volts = found[name].drops[found[name].worst]
        metrics |= {
            f"assumed_power_{name}_mw": 1e3 * corner.energy.total / corner.energy.seconds,
            f"ir_drop_{name}_mv": 1e3 * volts,
            f"ir_drop_{name}_percent": 100 * volts / corner.volts,
        }
    worst = max(found, key=lambda n: metrics[f"ir_drop_{n}_percent"])
    far = found[worst].worst
    metrics |= {
        f"supply_ohms_{grid.net.lower()}": drops_of(grid, corners[worst].ohms, {far: 1.0}).by_instance[far]
        for grid in grids
    }
    typical = metrics["assumed_power_typical_mw"], metrics["ir_drop_typical_mv"]
    note = "{:.0f} mW assumed, {:.1f} mV, typical corner".format(*typical)
    return DiePower(rows, metrics, worst, found, places, note)


def _tile(tile: HardTile, pdk: Pdk, files: PdkFiles) -> _Tile:
    routed = routed_of(tile.folder, files)
    netlist = read_netlist(tile.folder / "netlist.v")
    places = {name: routed.placed[name] for name in netlist.instances}
    wires = stack_of(pdk).wires[1:]  # the first is inside of cells
    macros = {macro.name for macro in tile.macros}
    return _Tile(
        netlist,
        wire_farads(routed, pdk),
        {net: grid_of(routed, net, wires, places, macros) for net in SUPPLIES},
        {name: centre_of(routed.macros[place[0]], place) for name, place in places.items()},
    )


def _grids(made: Stitched, known: Mapping[str, _Tile], pdk: Pdk) -> list[Grid]:
    stack, layout = stack_of(pdk), kdb.Layout()
    layout.read(str(made.file(".gds")))
    margin = margin_grid(layout.cell(made.plan.top), stack.layers, stack.wires[1:], stack.joins[-1])
    pins = read_macros(made.file(".lef").read_text("utf-8"))[made.plan.top].supplies
    return [
        die_grid(
            {t.name: (known[t.view.kind].grids[net], t.at) for t in made.plan.tiles},
            margin,
            pins[net],
            stack.wires[1:],
        )
        for net in SUPPLIES
    ]


def _energy(
    tile: _Tile, macros: Sequence[Macro], pdk: Pdk, asked: Asked, period: float, share: float
) -> Energy:
    """What a tile takes in a corner."""
    kit = kit_corner(pdk, asked.liberty, asked.voltage, period)
    first = {instance.cell: instance for instance in tile.netlist.instances.values()}
    corner = with_macros(kit, macros, first, asked.liberty)
    return energies_of(tile.netlist, tile.farads, assumed(tile.netlist, corner, _CLOCK, share), corner)


def _together(tiles: Mapping[str, Energy]) -> Energy:
    """Energy of a die from that of its tiles, by instance."""
    parts = list(tiles.values())
    return Energy(
        {f"{tile}.{name}": joules for tile, of in tiles.items() for name, joules in of.by_instance.items()},
        sum(of.switching for of in parts),
        sum(of.inside for of in parts),
        sum(of.leakage for of in parts),
        parts[0].seconds,
        tuple(sorted({cell for of in parts for cell in of.without})),
    )
