"""What is drawn on each layer of the stitched die, as the chip of every model must have it."""

__all__ = ["BaseLayersTask", "read_layers"]

import json
from pathlib import Path

from flow.tasks.die.programmed import ProgrammedStep
from flow.tasks.step import Job, Result

LAYERS = "layers.json"


class BaseLayersTask(ProgrammedStep):
    """Digests of its layers, but the one that models draw on."""

    step_name = "base_layers"
    needs = ("stitch",)
    config = ("base",)

    def work(self, job: Job) -> Result:
        from base_chip.dies import load_die
        from signoff.invariance import Chip
        from signoff.readback import read_layout

        base, program = Chip(read_layout(self.base_layout(job))), load_die(job.config.base).program_layers
        drawn = {f"{a}/{b}": base.drawn((a, b)) for a, b in base.layers() if (a, b) not in program}
        (job.out / LAYERS).write_text(json.dumps(drawn, indent=1))
        return Result(note=f"{len(drawn)} layers")


def read_layers(folder: Path) -> dict[tuple[int, int], str]:
    """What the step left: a digest by layer."""
    found = {}
    for name, digest in json.loads((folder / LAYERS).read_bytes()).items():
        layer, datatype = map(int, name.split("/"))
        found[layer, datatype] = digest
    return found
