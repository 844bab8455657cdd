"""Layout against netlist of a die, tiles as boxes: what touches at seams must be what the netlist joins.

KLayout extracts the nets, those inside of tiles too. They are compared pin by pin, as every tile has its
place and so its name; and by Netgen, which knows neither.
"""

__all__ = ["placement", "run"]

import itertools
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import klayout.db as kdb

from rtl_gen.errors import FlowError
from signoff.assembly.placement import instances
from signoff.assembly.routed import Place
from signoff.assembly.rows import rows
from signoff.chip.netlist import ChipNetlist, extract
from signoff.chip.verilog import chip_netlist
from signoff.chip.wiring import Stack
from signoff.eda import NETGEN
from signoff.lvs_chip import judge
from signoff.result import CheckResult
from signoff.seams.die import Die
from signoff.seams.plant import Planted

NAME = "seam_lvs"


def run(
    layout: kdb.Layout,
    planted: Planted,
    die: Die,
    stack: Stack,
    setup: Path,
    folder: Path,
    timeout: float = 3600,
) -> list[CheckResult]:
    """Compare a die with its netlist, and a copy with planted faults.

    Args:
        layout: The die. Is changed, as is the copy: both keep no layer below the pins, which the faults are
            on.
        planted: The copy.
        die: What it should be.
        stack: The process.
        setup: Netgen setup file.
        folder: For all files; made if missing.
        timeout: Seconds for Netgen.

    Returns:
        The rows `seam_lvs`, `seam_lvs_control` and `seam_lvs_netgen`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = extract(layout, die.top, stack, die.pins).netlist
    faults = compare(found, die)
    good = f"{sum(map(len, die.nets.values()))} pins of {len(die.stands)} tiles on {len(die.nets)} nets"
    # Without these layers the die may have faults of its own: what lies there joins wires.
    for cleared in (layout, planted.layout):
        _clear_below_pins(cleared, die, stack)
    told = _told(planted.layout, {**die.pins, **planted.pins}, die, stack)
    told -= _told(layout, die.pins, die, stack)
    pair = rows(NAME, faults, good, planted.lvs, told, folder)
    if missing := NETGEN.missing(f"{NAME}_netgen"):
        return [*pair, missing]
    return [
        *pair,
        judge(found, chip_netlist(die.netlist, die.top, die.pins), setup, folder, f"{NAME}_netgen", timeout),
    ]


def _told(layout: kdb.Layout, pins: Mapping[str, tuple[str, ...]], die: Die, stack: Stack) -> set[str]:
    """Faults of a layout whose cells have these pins."""
    return set(compare(extract(layout, die.top, stack, pins).netlist, die))


def _clear_below_pins(layout: kdb.Layout, die: Die, stack: Stack) -> None:
    """Take all conductors below the lowest that a tile has a pin on.

    No fault is planted there, and an extraction spends most of its time on them.
    """
    drawn = {
        layer for tile in die.routed.values() for port in tile.ports.values() for layer, _ in port.shapes
    }
    lowest = min(stack.wires.index(layer) for layer in drawn)
    kept = {name for join in stack.joins[lowest:] for name in join}
    for name in {"nwell", "diff", "tap", "poly", stack.contact, *itertools.chain(*stack.joins)} - kept:
        layout.clear_layer(layout.layer(*stack.layers[name]))


def compare(found: ChipNetlist, die: Die) -> list[str]:
    """What a layout joins otherwise than the netlist, pin by pin."""
    faults = list(found.faults)
    at = {i.place: i for i in found.instances}
    on: dict[tuple[str, str], str] = {}
    for name, stand in die.stands.items():
        if (instance := at.get(stand.at)) is None:
            faults.append(
                f"no tile at ({stand.at[0] / 1000:g}, {stand.at[1] / 1000:g}) um, where {name} should be"
            )
            continue
        on |= {(name, pin): net for pin, net in instance.nets.items()}
    named: dict[str, set[str]] = defaultdict(set)  # nets of the netlist by that of the layout
    ports = set(found.ports)
    for net, pins in die.nets.items():
        here = {on[pin] for pin in pins if pin in on}
        if net in die.ports:
            if net not in ports:
                faults.append(f"port {net} is not in the layout")
            here |= {net}
        if len(here) > 1:
            faults.append(f"not joined: {', '.join(sorted(_pin(p) for p in pins))}" + _port_of(net, die))
        for one in here:
            named[one].add(net)
    faults += [f"port {net} is not in the netlist" for net in sorted(ports - die.ports)]
    for nets in named.values():
        if len(nets) > 1:
            faults.append(f"joined: {', '.join(sorted(_first(net, die) for net in nets))}")
    return faults


def placement(layout: kdb.Layout, planted: Planted, die: Die, folder: Path) -> list[CheckResult]:
    """The rows `seam_placement` and `seam_placement_control`: every tile at its place, none turned.

    Raises:
        FlowError: The layout has no such die.
    """
    folder.mkdir(parents=True, exist_ok=True)
    faults = check_placement(layout, die)
    good = f"{len(die.stands)} tiles, each where the floorplan has it"
    told = set(check_placement(planted.moved, die)) - set(faults)
    return rows("seam_placement", faults, good, planted.placement, told, folder)


def check_placement(layout: kdb.Layout, die: Die) -> list[str]:
    """Tiles that stand elsewhere, are turned, missing, or there twice; and what else is in the die's cell."""
    cell = layout.cell(die.top)
    if cell is None:
        raise FlowError(f"no cell {die.top} in the layout", hint="Stitch the die again.")
    there = instances(cell)
    wanted = {(s.cell, kdb.Trans.R0.rot, *s.at): name for name, s in die.stands.items()}
    faults = []
    for place, name in wanted.items():
        if there[place] != 1:
            faults.append(f"{name}: {there[place]} {_place(place)}")
    return faults + [f"{_place(place)} should not be there" for place in sorted(set(there) - set(wanted))]


def _place(place: Place) -> str:
    cell, rot, x, y = place
    turned = kdb.Trans(rot % 4, rot >= 4, 0, 0).to_s().split()[0]
    return f"{cell} at ({x / 1000:g}, {y / 1000:g}) um, {turned}"


def _first(net: str, die: Die) -> str:
    pins = sorted(_pin(p) for p in die.nets[net])
    return net if net in die.ports else pins[0]


def _port_of(net: str, die: Die) -> str:
    return f" and port {net}" if net in die.ports else ""


def _pin(pin: tuple[str, str]) -> str:
    return ".".join(pin)
