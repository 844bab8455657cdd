"""The energy of a token by OpenSTA's model of power, beside the one of `energy`.

    python -m flow.stitching.energy_check build/words

takes what a build has left of its steps `gatesim`, `stitch` and `tile_*`. Both are told the same of each net,
how often it rises and the capacitance of its wire, so what differs is what they make of it: OpenSTA looks up
each internal energy at the slew and load that are there, weighs conditions by how long they hold, and takes
the larger of a pin's two capacitances. OpenROAD and liberty are needed.
"""

__all__ = ["GROUPS", "Pair", "compare"]

import json
import math
import sys
import tempfile
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from base_chip.dies import load_die
from base_chip.harden.cells import cell_lef
from base_chip.pdk import Pdk, load_pdk
from base_chip.pdk.place_route import load_place_route
from base_chip.stitch import place_tiles, read_view
from flow.hardening.blocks import block_of
from flow.hardening.synthesis import need_liberty
from flow.pdk.files import PdkFiles
from flow.pdk.providers import find_pdk
from flow.stitching.energy import SimulatedDie, SimulatedTile, die_nets, simulated_die
from flow.stitching.periods import die_period
from flow.stitching.wires import wires_of_margin
from flow.tasks.die.gatesim import STATES
from flow.tasks.die.tiles import NETLIST
from signoff.netlist import Instance, read_netlist
from signoff.power.assumed import clock_nets
from signoff.power.energy import Activity, Parts, parts_of
from signoff.power.flat import OUTSIDE
from signoff.power.opensta import Nets, powers
from signoff.power.rises import Counted, counted
from signoff.timing.cells import Flop

CORNER = "typical"
GROUPS = ("clock", "registers", "cells", "ROM macros", "SRAM macros")
_CLOCK = "clk"
_READ = "reads"  # pins by which models of memories tell of reads and writes, and liberty's cells have not
_WRITTEN = "writes"


@dataclass(frozen=True)
class Pair:
    """Energy of some instances, J: of the step `energy`, and of OpenSTA."""

    ours: Parts
    theirs: Parts

    @property
    def difference(self) -> float:
        """By how much OpenSTA's is larger, of ours."""
        return self.theirs.total / self.ours.total - 1

    @classmethod
    def of(cls, pairs: Iterable["Pair"]) -> "Pair":
        """The sum of some."""
        each = list(pairs)
        return cls(_sum(x.ours for x in each), _sum(x.theirs for x in each))


def compare(
    die: SimulatedDie, of: Counted, cycles: int, pdk: Pdk, files: PdkFiles, scratch: Path
) -> dict[tuple[str, str], Pair]:
    """Energy in the typical corner by tile and group: see `GROUPS`.

    A ROM's liberty has one energy of its clock, that of a read, and no condition: OpenSTA is told of reads as
    rises of that pin, as `energy` counts them. It takes no activity over from a pin that has no function, so
    memories lose their outputs, nets behind these become ports, and what memories charge is left out of both.

    Args:
        die: All tiles routed.
        of: What its nets did.
        cycles: In how many.
        pdk: The process.
        files: Its files.
        scratch: Folder for files, which is there.

    Raises:
        FlowError: OpenROAD or liberty is missing (MISSING_TOOL), or OpenROAD failed.
    """
    corner, facts = die.corners[CORNER], load_place_route(pdk)
    inside = {name: x for name, x in die.nets.flat.netlist.instances.items() if x.cell != OUTSIDE}
    netlist = replace(die.nets.flat.netlist, instances=inside)
    roots = {name: net for net, names in die.nets.flat.names.items() for name in names}
    wires: dict[str, float] = defaultdict(float)
    for name, farads in die.nets.wires.items():
        wires[roots.get(name, name)] += farads
    on_pins = {net for x in inside.values() for nets in x.pins.values() for net in nets}
    rises = {net: of.rises[net] for net in die.nets.flat.names.keys() & of.rises.keys() & on_pins}
    ours, _ = parts_of(netlist, wires, Activity(cycles, 1, rises), corner)
    ours |= {name: replace(ours[name], switching=0.0) for name, x in inside.items() if x.cell in die.macros}

    outputs = {cell: pins.keys() - corner.farads[cell].keys() for cell, pins in corner.inside.items()}
    rates = {net: count / cycles for net, count in rises.items()}
    reads = {
        (name, _CLOCK): rates[x.pins[_READ][0]]
        for name, x in inside.items()
        if die.memories.get(x.cell) == "ROM macros"
    }
    cut = {cell: {*outputs[cell], _READ, _WRITTEN} for cell in die.macros}
    plain = replace(netlist, instances={name: _without(x, cut.get(x.cell, ())) for name, x in inside.items()})
    liberty = facts.corners[CORNER].liberty
    libs = _written(scratch, "lib", {name: macro.liberty[liberty] for name, macro in die.macros.items()})
    cells = {"cells": cell_lef(files.path("cells"), facts.library)}
    lefs = _written(scratch, "lef", cells | {name: macro.lef for name, macro in die.macros.items()})
    told = powers(
        plain, outputs, Nets(wires, rates, of.high, reads), corner.period,
        [need_liberty(files), *libs], [files.path("tech_lef"), *lefs], scratch,
    )  # fmt: skip
    seconds = cycles * corner.period
    theirs = {
        name: Parts(p.switching * seconds, p.inside * seconds, p.leakage * seconds)
        for name, p in told.items()
    }
    port = die.nets.flat.netlist.instances[f"port.{_CLOCK}"].pins["out"][0]
    groups = _groups(die, inside, clock_nets(netlist, corner, port), outputs)
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, group in groups.items():
        found[die.nets.flat.tile_of(name), group].append(name)
    return {
        key: Pair(_sum(ours[n] for n in names), _sum(theirs[n] for n in names))
        for key, names in found.items()
    }


def _without(of: Instance, cut: Collection[str]) -> Instance:
    return replace(of, pins={pin: nets for pin, nets in of.pins.items() if pin not in cut})


def _written(folder: Path, suffix: str, texts: Mapping[str, str]) -> list[Path]:
    paths = []
    for name, text in texts.items():
        paths.append(folder / f"{name}.{suffix}")
        paths[-1].write_text(text)
    return paths


def _groups(
    die: SimulatedDie, instances: Mapping[str, Instance], clocks: Collection[str],
    outputs: Mapping[str, Collection[str]],
) -> dict[str, str]:  # fmt: skip
    """The group of each instance; clock gates belong to the clock."""
    found = {}
    for name, of in instances.items():
        cell = die.cells.get(of.cell)
        if cell is None:
            found[name] = die.memories[of.cell]
        elif isinstance(cell.storage, Flop):
            found[name] = "registers"
        else:
            driven = {net for pin in outputs[of.cell] for net in of.pins.get(pin, ())}
            found[name] = "clock" if driven & set(clocks) else "cells"
    return found


def _sum(parts: Iterable[Parts]) -> Parts:
    each = list(parts)
    return Parts(*(math.fsum(getattr(p, f) for p in each) for f in ("switching", "inside", "leakage")))


def _table(found: Mapping[tuple[str, str], Pair]) -> list[str]:
    """Lines for a person: nJ by tile and group, and in all."""
    title = f"{'':28}" + 2 * f"{'inside':>11}{'charged':>11}{'leakage':>11}" + "   together"
    lines = [f"{'nJ':28}{'energy':>33}{'OpenSTA':>33}", title]
    rows = sorted(found, key=lambda key: (key[0], GROUPS.index(key[1])))
    shown = [(" ".join(key), found[key]) for key in rows]
    for name, of in [*shown, ("all", Pair.of(found.values()))]:
        numbers = (
            f"{1e9 * x:11.2f}" for p in (of.ours, of.theirs) for x in (p.inside, p.switching, p.leakage)
        )
        lines.append(f"{name:28}{''.join(numbers)}   {of.difference:+.1%}")
    return lines


def _of_build(build: Path) -> dict[tuple[str, str], Pair]:
    base = next(p.stem for p in sorted((build / "stitch").glob("*.sdc")))
    told = json.loads((build / "gatesim" / STATES).read_bytes())
    die = load_die(base)
    pdk = load_pdk(die.pdk)
    files = find_pdk(pdk, need_all=False)
    tiles, views = {}, {}
    for kind in die.kinds:
        folder, block = build / f"tile_{kind}", block_of(die.tiles[kind])
        tiles[kind] = SimulatedTile(block.top, folder / NETLIST, block.memories, folder)
        views[kind] = read_view(kind, (folder / "layout.def").read_text("utf-8"))
    margin = {pin: 1e-12 * wire.pf for pin, wire in wires_of_margin(place_tiles(die, views)).items()}
    netlist = read_netlist(build / "stitch" / f"{base}.v")
    nets = die_nets(netlist, tiles, margin, pdk, files)
    memories = [macro for tile in tiles.values() for macro in tile.macros]
    simulated = simulated_die(nets, memories, die_period(die), pdk, files)
    states = {name: int(value, 16) for name, value in told["states"][0].items()}
    of = counted(nets.flat, simulated.cells, states, 2 * told["cycles"] + 1)
    with tempfile.TemporaryDirectory() as scratch:
        return compare(simulated, of, told["cycles"], pdk, files, Path(scratch))


if __name__ == "__main__":
    print("\n".join(_table(_of_build(Path(sys.argv[1])))))
