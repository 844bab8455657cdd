"""Energy of a token of a die of tiles, or a chain, from what its gate-level simulation held."""

__all__ = [
    "DieNets", "SimulatedDie", "SimulatedTile", "TokenEnergy", "Told", "die_nets", "simulated_die",
    "token_energy",
]  # fmt: skip

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from base_chip.harden.block import Macro
from base_chip.pdk import Pdk
from base_chip.pdk.place_route import load_place_route
from flow.pdk.files import PdkFiles
from flow.stitching.periods import PERIODS
from flow.stitching.routed import routed_of
from flow.tasks.energies import kit_corner, wire_farads, with_macros
from signoff.netlist import Instance, Netlist, read_modules
from signoff.power.energy import Activity, Corner
from signoff.power.flat import OUTSIDE, FlatDie, flat_die, with_open_outputs
from signoff.power.rises import counted
from signoff.power.token import Priced, TokenDie, price
from signoff.result import CheckResult, of_dies
from signoff.timing.cells import Cell, load_cells

_CLOCK = "clk"


@dataclass(frozen=True)
class SimulatedTile:
    """A kind of tile as it was simulated.

    Attributes:
        top: Its module.
        netlist: Of cells: routed, or mapped.
        macros: Memories in it.
        routed: Folder with its `layout.def` and the `cells.lef` of its cells; None if it is but mapped.
    """

    top: str
    netlist: Path
    macros: Sequence[Macro]
    routed: Path | None


@dataclass(frozen=True)
class Told:
    """What the simulation tells of a token.

    Attributes:
        token: Says which one it is.
        cycles: That it took.
        states: Of each die of a chain, one or more, what its registers and memories held after each edge of
            the clock (signoff.gatesim.read_states): twice a cycle, and before the first.
    """

    token: str
    cycles: int
    states: Sequence[Mapping[str, int]]


@dataclass(frozen=True)
class TokenEnergy:
    """What was found.

    Attributes:
        rows: `energy` and its control.
        metrics: Energy and power of all dies, and tokens per second, by corner.
        report: The same by block, what is not counted, and registers that do not hold what cells give.
        note: Numbers of the typical corner.
    """

    rows: list[CheckResult]
    metrics: dict[str, float]
    report: dict[str, Any]
    note: str


@dataclass(frozen=True)
class DieNets:
    """What the energy of a die needs of it that neither a model nor a corner changes.

    Attributes:
        flat: Its netlist; reads and writes of memories are pins of these.
        wires: Capacitance, F, by name of a net.
        without: Says what is not counted.
    """

    flat: FlatDie
    wires: Mapping[str, float]
    without: str


@dataclass(frozen=True)
class SimulatedDie:
    """What the energy of a die is made of.

    Attributes:
        nets: Its netlist and wires.
        macros: Memories, by cell; `memories`: what they are called in a sum.
        cells: What standard cells do.
        corners: What cells and memories take.
    """

    nets: DieNets
    macros: Mapping[str, Macro]
    memories: Mapping[str, str]
    cells: Mapping[str, Cell]
    corners: Mapping[str, Corner]


def token_energy(simulated: SimulatedDie, told: Told) -> TokenEnergy:
    """Energy of the token in three corners.

    Args:
        simulated: The die.
        told: The token.

    Raises:
        FlowError: What was told is of another netlist.
    """
    nets, corners = simulated.nets, simulated.corners
    detail = f"{told.token}, {told.cycles} cycles, without delays and so without glitches; {nets.without}"
    die_of_token = TokenDie(nets.flat, nets.wires, simulated.memories, _CLOCK)
    counts = [counted(nets.flat, simulated.cells, states, 2 * told.cycles + 1) for states in told.states]
    each = [
        price(die_of_token, Activity(told.cycles, 1, of.rises), of.registers, corners, detail)
        for of in counts
    ]
    found = {name: [priced[name] for _, priced in each] for name in corners}
    sums = {name: _told(dies, corners[name]) for name, dies in found.items()}
    metrics: dict[str, float] = {}
    for name, of in sums.items():
        metrics |= {
            f"energy_per_token_{name}_nj": of["nj_per_token"],
            f"power_{name}_mw": of["mw"],
            f"tokens_per_s_{name}": of["tokens_per_s"],
        }
    report = {
        "token": told.token,
        "cycles": told.cycles,
        "without": nets.without,
        "corners": sums,
        "wrong_registers": [list(of.registers.wrong) for of in counts],
    }
    typical = metrics["energy_per_token_typical_nj"], metrics["tokens_per_s_typical"]
    note = "{:.0f} nJ per token, {:,.0f} tokens/s, typical corner; ".format(*typical) + nets.without
    return TokenEnergy(of_dies([rows for rows, _ in each]), metrics, report, note)


def die_nets(
    die: Netlist, tiles: Mapping[str, SimulatedTile], margin: Mapping[str, float], pdk: Pdk, files: PdkFiles
) -> DieNets:
    """Put tiles and their wires together.

    Args:
        die: Netlist of tiles.
        tiles: By kind.
        margin: Capacitance of wires of the margin, F, by the pin of a tile; none while there is no margin.
        pdk: The process.
        files: Its files.
    """
    macros = {macro.name: macro for tile in tiles.values() for macro in tile.macros}
    modules = {name: of for tile in tiles.values() for name, of in read_modules(tile.netlist).items()}
    flat = flat_die(die, {name: _accessed(of, macros) for name, of in modules.items()})
    wires = dict(margin)
    for tile in tiles.values():
        if tile.routed is None:
            continue
        farads = wire_farads(routed_of(tile.routed, files), pdk)
        for name, module in flat.kinds.items():
            if module == tile.top:
                wires |= {f"{name}.{net}": of for net, of in farads.items()}
    cells = _cells(flat, macros, files)
    flat = with_open_outputs(flat, {name: cell.outputs for name, cell in cells.items()})
    return DieNets(flat, wires, _not_counted(tiles, bool(margin)))


def simulated_die(
    nets: DieNets, memories: Iterable[Macro], period_ns: float, pdk: Pdk, files: PdkFiles
) -> SimulatedDie:
    """What the energy of a die is made of.

    Args:
        nets: Of the die.
        memories: In its tiles.
        period_ns: Clock period of the slow and the fast corner; `PERIODS` has the others'.
        pdk: The process.
        files: Its files.
    """
    macros = {macro.name: macro for macro in memories}
    called = {
        name: "SRAM macros" if "write" in macro.ports else "ROM macros" for name, macro in macros.items()
    }
    first = {instance.cell: instance for instance in nets.flat.netlist.instances.values()}
    corners = {}
    for name, asked in load_place_route(pdk).corners.items():
        kit = kit_corner(pdk, asked.liberty, asked.voltage, period_ns * PERIODS.get(name, 1))
        corners[name] = with_macros(kit, list(macros.values()), first, asked.liberty)
    return SimulatedDie(nets, macros, called, _cells(nets.flat, macros, files), corners)


def _cells(flat: FlatDie, macros: Mapping[str, Macro], files: PdkFiles) -> dict[str, Cell]:
    kinds = {instance.cell for instance in flat.netlist.instances.values()}
    return load_cells(kinds - macros.keys() - {OUTSIDE}, files.path("cells"))


def _accessed(module: Netlist, macros: Mapping[str, Macro]) -> Netlist:
    """A module whose memories have the signals by which their models tell reads and writes as pins, too."""
    instances = {
        name: replace(of, pins={**of.pins, **_accesses(of)}) if of.cell in macros else of
        for name, of in module.instances.items()
    }
    return replace(module, instances=instances)


def _accesses(memory: Instance) -> dict[str, tuple[str, ...]]:
    pins: dict[str, tuple[str, ...]] = {"reads": (f"{memory.name}.reads",)}
    if "write" in memory.pins:
        width = len(memory.pins["write"])
        pins["writes"] = tuple(f"{memory.name}.writes[{n}]" for n in range(width - 1, -1, -1))
    return pins


def _not_counted(tiles: Mapping[str, SimulatedTile], margin: bool) -> str:
    if mapped := [kind for kind, tile in tiles.items() if tile.routed is None]:
        return (
            f"wires of {', '.join(mapped)} and of the margin not counted, nor their clock trees and buffers"
        )
    return "all wires counted" if margin else "wires of the margin not counted"


def _told(dies: Sequence[Priced], corner: Corner) -> dict[str, Any]:
    """The token in all dies; blocks of a chain have the die's number before their names."""
    total, seconds = math.fsum(die.total for die in dies), dies[0].seconds
    blocks = {
        f"die {n}, {block}" if len(dies) > 1 else block: 1e9 * joules
        for n, die in enumerate(dies)
        for block, joules in die.blocks.items()
    }
    return {
        "volts": corner.volts,
        "period_ns": 1e9 * corner.period,
        "nj_per_token": 1e9 * total,
        "mw": 1e3 * total / seconds,
        "tokens_per_s": 1 / seconds,
        "leakage_nj": 1e9 * math.fsum(die.leakage for die in dies),
        "blocks_nj": {block: blocks[block] for block in sorted(blocks, key=lambda b: -blocks[b])},
    }
