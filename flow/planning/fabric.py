"""Cycles, tokens per second and energy of a model on dies of tiles: a model, not a simulation."""

__all__ = ["Clock", "Die", "Estimate", "clocks", "estimate"]

import math
from dataclasses import dataclass

from base_chip.dies.tiles import MACRO_BITS, RamTileArea, RomTileArea, tile_um2
from base_chip.tiles import known_tiles
from flow.planning.tiles import Phase, phases
from flow.stitching.periods import PERIODS, tiles_period
from rtl_gen.golden.shape import Shape
from rtl_gen.golden.vec_isa import BLOCK
from rtl_gen.tiles.columns import SLOT_BITS
from rtl_gen.tiles.macro import WORDS

LOOKUP_BITS = 6  # of a weight of an untied input embedding, which no column multiplies


@dataclass(frozen=True)
class Die:
    """A die: width and height that it has for tiles within its edge, mm."""

    name: str
    width: float
    height: float

    @property
    def mm2(self) -> float:
        return self.width * self.height


@dataclass(frozen=True)
class Clock:
    """Cycles per second in the two corners."""

    slow: float
    typical: float


@dataclass(frozen=True)
class Estimate:
    """A model on dies of one kind of array.

    Attributes:
        tile: The rom tile.
        grid: Rows and columns of rom tiles on a die.
        ram, ram_tile, vec: Tiles of these kinds on a die, and which ram tile.
        dies: Dies with arrays; `lookup_dies` more hold an untied input embedding, in ROM without columns.
        die_mm2: What the tiles of a die take.
        bound: Cycles per token that reading the weights takes, were nothing else and all tiles full.
        cycles: Cycles per token by what they are spent on; their sum is a token of one stream.
        slowest: Cycles of the slowest die, which sets the pace of many streams.
        rom_joule: Energy of reading ROM, a token.
        counted: Cycles are those of the compiled program, not of formulas.
    """

    tile: RomTileArea
    grid: tuple[int, int]
    ram: int
    ram_tile: RamTileArea
    vec: int
    dies: int
    lookup_dies: float
    die_mm2: float
    bound: float
    cycles: dict[str, float]
    slowest: float
    rom_joule: float
    counted: bool = False

    @property
    def token(self) -> float:
        return sum(self.cycles.values())


def clocks() -> Clock:
    """The clock for which the tiles are placed and routed, and at which they are checked."""
    period = tiles_period(known_tiles())
    return Clock(1e9 / period, 1e9 / period / PERIODS["typical"])


def estimate(
    shape: Shape,
    context: int,
    die: Die,
    tile: RomTileArea,
    grid: tuple[int, int],
    ram_tile: RamTileArea,
    macro: float,
    c: dict[str, float],
) -> Estimate | None:
    """A model on dies with a grid of rom tiles, ram tiles for keys and values, and vec tiles under all
    columns.

    Matrices follow each other on the chain of dies and may be cut between two passes. A head on several dies
    is read on all of them at once.

    Args:
        shape, context: The model, and how many positions are kept.
        die: Room for tiles.
        tile, grid, ram_tile: The array: rom tiles, rows and columns of them, and ram tiles.
        macro: um2 of a ROM macro of 256 x 128 bits, for an input embedding of its own.
        c: Constants, the table "fabric".

    Returns:
        None if it is more than the die has room for, or its tiles would be too narrow or too wide.
    """
    rows, columns = grid
    size = tile.size
    vec = math.ceil(columns / c["vec_columns"])
    lanes = int(vec * c["vec_columns"])
    layer, head = phases(shape, c)
    of_layers = shape.layers * sum(p.rows(grid, size) for p in layer)
    of_head = head.rows(grid, size)
    dies = math.ceil((of_layers + of_head) / size.depth)
    layers = math.ceil(min(shape.layers, shape.layers * size.depth / of_layers))
    of_one = 2 * context * shape.kv_dim / (ram_tile.size.words * ram_tile.size.columns)
    ram = math.ceil(layers * of_one)
    lane = tile_um2("vec") * size.columns / BLOCK
    um2 = rows * columns * tile.um2 + ram * ram_tile.um2 + columns * lane
    if um2 / 1e6 > die.mm2 or (dies > 1 and not _can_be_drawn(columns, tile, die, c)):
        return None
    # From the last step at the first tile to the last value out of the last lane, beside the sums that leave.
    latency = c["step_stages"] + columns + c["row_stages"] * rows + c["lane_stages"]
    norm = math.ceil(shape.dim / lanes) + vec + c["norm_stages"]
    parts = {
        "matrices": sum(_matrix(p, grid, tile, lanes) for p in layer),
        "drains": sum(latency + p.passes(grid, size)[-1][2] for p in layer),
        "norms": 2 * norm,
        "attention": _attention(shape, context, ram_tile, ram / layers, vec, c),
        "softmax": math.ceil(context * shape.group / lanes) + c["softmax_stages"],
        "hadamard": c["hadamard"],
    }
    head_dies = max(1.0, of_head / size.depth)
    # What the last pass gives of the residual; the rest is sent while later passes go on, if they are long.
    sent = math.ceil(shape.dim * c["residual_bytes"] / (vec * c["link_bytes"]))
    count, steps, _ = layer[-1].passes(grid, size)[0]
    hop = max(math.ceil(sent / count), sent - (count - 1) * steps) + c["lane_stages"]
    cycles = {k: shape.layers * v for k, v in parts.items()} | {
        "head": _matrix(head, grid, tile, lanes) / head_dies + latency + size.columns + c["sampling"] + norm,
        "embedding": latency + (shape.dim if shape.tied else 0),
        "links": (dies - 1) * hop,
    }
    of_all_layers = shape.layers * sum(p.read for p in layer)
    charge = c["ones"] * (c["bit_line"] + c["bit_line_load"]) * 1e-15
    bit = macro / 1e6 / (WORDS * MACRO_BITS)
    lookup = 0.0 if shape.tied else shape.vocab * shape.dim * LOOKUP_BITS * bit / die.mm2
    # One die does everything, or a die does its layers, or its part of the head.
    slowest = sum(cycles.values())
    if dies > 1:
        slowest = hop + max(cycles["head"], sum(parts.values()) * layers)
    return Estimate(
        tile, grid, ram, ram_tile, vec, dies, lookup, um2 / 1e6,
        (of_all_layers + head.read / head_dies) / (rows * columns * size.columns * size.rows), cycles,
        slowest, (of_all_layers + head.read) * SLOT_BITS * size.ways * charge * c["supply"] ** 2,
    )  # fmt: skip


def _can_be_drawn(columns: int, tile: RomTileArea, die: Die, c: dict[str, float]) -> bool:
    """Whether tiles that fill the width of a die have sides of a sensible ratio."""
    width = die.width / columns
    return 1 / c["most_aspect"] <= width**2 / (tile.um2 / 1e6) <= c["most_aspect"]


def _matrix(p: Phase, grid: tuple[int, int], tile: RomTileArea, lanes: int) -> float:
    """Cycles of a phase: a pass lasts until the sums before have left and lanes have done their products."""
    return sum(
        count * max(steps, words, words * p.products * grid[1] / lanes)
        for count, steps, words in p.passes(grid, tile.size)
    )


def _attention(
    shape: Shape, context: int, ram_tile: RamTileArea, ram: float, vec: int, c: dict[str, float]
) -> float:
    """Scores, then the mix, at the last position; half of a layer's `ram` tiles hold keys, the others values.

    A query head is a vector by matrix of `head_dim` inputs and `context` outputs, then two (a probability has
    two digits) of `context` inputs and `head_dim` outputs. A vec tile drives the ram tiles of its key/value
    heads: as many heads as there are vec tiles run side by side, each on as many tiles as its matrix can be
    cut for.
    """
    columns, words = ram_tile.size.columns, ram_tile.size.words
    tiles, streams = max(1.0, ram / 2), min(shape.kv_heads, vec)
    over_context, over_head = math.ceil(context / columns), math.ceil(shape.head_dim / columns)
    score = over_context * max(shape.head_dim, min(context, columns))
    mix = c["mix_passes"] * over_head * max(context, min(shape.head_dim, columns))
    scoring = min(tiles, streams * over_context)
    mixing = min(tiles, streams * over_head * math.ceil(context / words))
    return shape.heads * (score / scoring + mix / mixing) + 2 * (
        columns + c["step_stages"] + c["lane_stages"]
    )
