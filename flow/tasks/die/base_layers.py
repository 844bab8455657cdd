"""What the cells of the stitched die draw on each layer, as the chip of every model must have it."""

__all__ = ["BaseLayersTask", "read_layers"]

import json
from pathlib import Path
from typing import TYPE_CHECKING

from flow.tasks.die.programmed import ProgrammedStep
from flow.tasks.step import Job, Result

if TYPE_CHECKING:
    from signoff.structure import Known

LAYERS = "layers.json"


class BaseLayersTask(ProgrammedStep):
    """Digests by layer and cell, but of the layer that models draw on."""

    step_name = "base_layers"
    needs = ("stitch",)
    config = ("base",)

    def work(self, job: Job) -> Result:
        from base_chip.dies import load_die
        from signoff.invariance import Chip
        from signoff.readback import read_layout

        base, program = Chip(read_layout(self.base_layout(job))), load_die(job.config.base).program_layers
        known = base.structure.told(layer for layer in base.layers() if layer not in program)
        text = json.dumps({f"{a}/{b}": cells for (a, b), cells in known.items()}, indent=1)
        (job.out / LAYERS).write_text(text)
        return Result(note=f"{len(known)} layers")


def read_layers(folder: Path) -> "Known":
    """What the step left."""
    found = {}
    for name, cells in json.loads((folder / LAYERS).read_bytes()).items():
        layer, datatype = map(int, name.split("/"))
        found[layer, datatype] = cells
    return found
