"""Cells and wires of the whole die, as the energy of every model's token needs them."""

__all__ = ["DieNetsTask", "macros_of", "read_nets"]

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from flow.tasks.die.stitched import TILES, plan_of
from flow.tasks.die.tiles import NETLIST, routed, tile_name
from flow.tasks.step import Job, Result, StepTask

if TYPE_CHECKING:
    from base_chip.harden.block import Macro
    from flow.stitching.energy import DieNets

NETS = "nets.json"
KINDS = tuple(name.removeprefix("tile_") for name in TILES)


class DieNetsTask(StepTask):
    """Flat netlist, and capacitance of each wire; of tiles that are mapped the cells alone."""

    step_name = "die_nets"
    needs = ("stitch", *TILES, *(f"map_{kind}" for kind in KINDS))
    config = ("base", "pdk")
    roles = ("cells", "tech_lef")

    def work(self, job: Job) -> Result:
        from base_chip.pdk import load_pdk
        from flow.hardening.blocks import block_of
        from flow.stitching.energy import SimulatedTile, die_nets
        from flow.stitching.wires import wires_of_margin
        from signoff.netlist import read_netlist

        tiles = {}
        for kind in KINDS:
            folder = job.inputs[f"tile_{kind}"]
            whole = routed(folder)
            netlist = (folder if whole else job.inputs[f"map_{kind}"]) / NETLIST
            if not netlist.exists():
                return Result(note=f"tile {kind} has no cells yet")
            block = block_of(tile_name(folder))
            tiles[kind] = SimulatedTile(block.top, netlist, block.memories, folder if whole else None)
        margin = {}
        if all(tile.routed for tile in tiles.values()):
            margin = {pin: wire.pf * 1e-12 for pin, wire in wires_of_margin(plan_of(job)[0]).items()}
        die = read_netlist(job.inputs["stitch"] / f"{job.config.base}.v")
        nets = die_nets(die, tiles, margin, load_pdk(job.config.pdk), job.pdk)
        (job.out / NETS).write_bytes(msgspec.json.encode(nets))
        return Result(note=f"{len(nets.flat.netlist.instances)} cells and memories, {nets.without}")


def read_nets(folder: Path) -> "DieNets":
    """What the step left, of tiles that all have cells."""
    from flow.stitching.energy import DieNets

    return msgspec.json.decode((folder / NETS).read_bytes(), type=DieNets)


def macros_of(base: str) -> "list[Macro]":
    """Memories of all tiles of a base."""
    from base_chip.dies import load_die
    from flow.hardening.blocks import block_of

    return [macro for name in load_die(base).tiles.values() for macro in block_of(name).memories]
