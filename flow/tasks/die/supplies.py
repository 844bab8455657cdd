"""Supplies inside of each kind of tile; those from tile to tile are the business of `seams`."""

__all__ = ["SuppliesTask"]

from dataclasses import replace

from flow.tasks.die.stitched import TILES, lacking_tiles
from flow.tasks.die.tiles import hard_tile
from flow.tasks.step import Job, Result, StepTask


class SuppliesTask(StepTask):
    """By metal alone: for LVS the substrate is a wire. Rows have the kind of tile before their names."""

    step_name = "supplies"
    needs = TILES
    config = ("pdk",)
    roles = ("tech_lef",)
    is_check = True

    def work(self, job: Job) -> Result:
        from base_chip.pdk import load_pdk
        from flow.stitching.supplies import tile_supplies

        if lacking := lacking_tiles(self.step_name, job):
            return lacking
        rows, pdk = [], load_pdk(job.config.pdk)
        for name in TILES:
            kind = name.removeprefix("tile_")
            found = tile_supplies(hard_tile(kind, job.inputs[name]), pdk, job.pdk, job.scratch / kind)
            rows += [replace(row, name=f"{kind}_{row.name}") for row in found]
        return Result(rows)
