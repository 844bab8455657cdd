"""A weight on a built die, as a layout with marks: its macro, the vias in it, and where its bits are."""

__all__ = ["marked"]

from pathlib import Path

import klayout.db as kdb
import numpy as np

from base_chip.dies import Floorplan, load_die
from base_chip.dies.drawn import macro_cell
from base_chip.harden.block import SIGNS
from base_chip.pdk import load_pdk
from flow.chain.check import die_plan
from flow.chain.die import die_paths, site_map
from flow.chain.ground import ground_of
from flow.chain.where import Spot, of_weight
from flow.planning.column import compile_shape
from flow.request import Run, load_run
from flow.show import Chip, chip_of
from flow.stitching.tiles import TURNS
from flow.tasks.chain.dies import FOLDER, die_jobs
from flow.tasks.die.programmed import CHIP, read_chip
from metal_configs.compile.source import QuantisedSource
from rtl_gen.errors import FlowError
from signoff.markers import write_markers
from signoff.picture import MODEL, Extra
from signoff.readback.die import read_die
from signoff.violations import Fault

COLOUR = 0xFF5050
_TURNS = {SIGNS[turn]: trans for turn, trans in TURNS.items()}
AROUND = 0.3  # um of a mark around a via's centre, which is to be seen in it
FRAME = 0.12  # um wide
WINDOW = 6.0  # um of the picture around all bits


def marked(build: Path, text: str) -> tuple[Chip, list[Spot], tuple[float, float, float, float]]:
    """Draw where a weight is.

    Args:
        build: Folder of a build on dies of tiles.
        text: See `flow.chain.where.of_weight`.

    Returns:
        A chip to show, in `where.oas`, whose marks are on a layer of their own and in `where.lyrdb`; the
        weight's bits; and a window around them, um.

    Raises:
        FlowError: The build has no such dies, or the model no such weight.
    """
    run = load_run(build / ".run.json")
    base = load_die(run.config.base)
    layout, spots = (_stitched if run.config.chain is None else _planned)(build, run, base, text)
    top, mark = layout.top_cell(), kdb.LayerInfo(1000, 0)
    for s in spots:
        frame = kdb.DPolygon(kdb.DBox(s.x, s.y, s.x, s.y).enlarged(AROUND))
        frame.insert_hole(kdb.DBox(s.x, s.y, s.x, s.y).enlarged(AROUND - FRAME))
        top.shapes(layout.layer(mark)).insert(frame)
    target = build / "where.oas"
    layout.write(str(target))
    faults = [
        Fault(
            f"{s.weight} bit {s.bit}", top.name, (s.x - AROUND, s.y - AROUND, s.x + AROUND, s.y + AROUND),
            f"{s.tile} macro {s.macro} WL[{s.word_line}] BL[{s.bit_line}]",
        )
        for s in spots
    ]  # fmt: skip
    write_markers(build / "where.lyrdb", top.name, faults, about=f"where {text} lies")
    xs, ys = [s.x for s in spots], [s.y for s in spots]
    window = min(xs) - WINDOW, min(ys) - WINDOW, max(xs) + WINDOW, max(ys) + WINDOW
    extra = (Extra(text, (mark.layer, mark.datatype), COLOUR),)
    return Chip(build, target, load_pdk(run.config.pdk), extra, (build / "where.lyrdb",)), spots, window


def _stitched(build: Path, run: Run, base: Floorplan, text: str) -> tuple[kdb.Layout, list[Spot]]:
    """The die of a chain of stitched ones on which the weight is, as it was built; and the weight's bits."""
    codes, told = build / "quantise" / "quantised.safetensors", build / "compile" / CHIP
    if not codes.is_file() or not told.is_file():
        raise FlowError(
            "the build has not come as far as the step `compile`", where=str(build),
            hint="Run `sc-flow build` again.",
        )  # fmt: skip
    source = QuantisedSource(codes)
    dies = read_chip(told.parent)["dies"]
    context = min(run.config.context or base.context, source.shape.context)
    made = compile_shape(source.shape, base, context, source.forms, dies)
    spots = of_weight(made.placement, ground_of(base), text)
    layout = kdb.Layout()
    layout.read(str(chip_of(build, spots[0].die).layout))
    return layout, spots


def _planned(build: Path, run: Run, base: Floorplan, text: str) -> tuple[kdb.Layout, list[Spot]]:
    """The macros that hold the weight with the vias of the die's file; and the weight's bits."""
    spots = of_weight(die_jobs(run.config, build / FOLDER)[0].placement(base), ground_of(base), text)
    die = spots[0].die
    path, _ = die_paths(build / FOLDER, die)
    if not path.is_file():
        raise FlowError(
            f"die {die}, on which {text} is, was not built", where=str(build / FOLDER),
            hint=f"Run the build with --dies {die}:{die + 1}.",
        )  # fmt: skip
    bits = read_die(path, die_plan(base))
    layout = kdb.Layout()
    top = layout.create_cell(f"scf_{base.name}_die_{die:04}")
    model = layout.create_cell(f"scf_{base.name}{MODEL}")
    top.insert(kdb.CellInstArray(model.cell_index(), kdb.Trans()))
    sites = site_map(base)
    via = layout.layer(*base.program_layers[0])
    for bank in sorted({s.bank for s in spots}):
        macro = macro_cell(layout, base.macro_of(bank))
        at = kdb.Trans(_TURNS[tuple(sites.signs[bank].tolist())], *sites.origins[bank].tolist())
        top.insert(kdb.CellInstArray(macro.cell_index(), at))
        held = np.unpackbits(bits.banks(bank, bank + 1)[0], axis=1, bitorder="little")
        for x, y in sites.place(np.array(bank), *np.nonzero(held)).tolist():
            model.shapes(via).insert(kdb.Box(x, y, x, y).enlarged(sites.size // 2))
    return layout, spots
