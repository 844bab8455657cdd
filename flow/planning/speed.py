"""Keys and values, cycles, tokens per second and energy of a model on a chain of dies of tiles."""

__all__ = ["memory_lines", "rom_energy", "speed_lines"]

import math
from collections.abc import Iterable
from collections.abc import Mapping as Table

from base_chip.dies import Floorplan
from base_chip.dies.floorplan import TILE
from base_chip.dies.tiles import MACRO_BITS, ram_tiles, rom_macro_um2, rom_tiles
from flow.planning.fabric import Die, clocks, estimate
from flow.planning.lines import CLOCK, CLOCK_TYPICAL, Line
from metal_configs.compile import Piece, Placement
from rtl_gen.errors import FlowError
from rtl_gen.golden.shape import Shape

KV_BITS = 8
LOGITS = ("embed", "head")


def memory_lines(shape: Shape, placed: Placement, context: int) -> list[Line]:
    """Keys and values of all layers, and factors."""
    total = 2 * shape.layers * context * shape.kv_dim * KV_BITS
    size = placed.die
    g = "memories"
    return [
        Line(
            g, "keys and values", total, "bit",
            f"2 * {shape.layers} layers * {context} positions * {shape.kv_dim} * {KV_BITS} bits",
        ),
        Line(
            g, "ram rows of the fullest die", max(placed.ram_rows), "",
            f"of {size.ram_rows}, {size.outputs} bytes each: a key is a column, a value a row",
        ),
        Line(
            g, "factor rows of the fullest", max(d[-1].factor_end for d in placed.dies), "",
            f"of {size.factor_rows} in each vec tile, 8 factors each; tables and program take the rest",
        ),
    ]  # fmt: skip


def _cycles(pieces: Iterable[Piece], products: Table[str, float]) -> float:
    """Of reading matrices: a pass lasts until the sums before have left, a block until lanes are through."""
    total = 0.0
    for p in pieces:
        sums = p.matrix.die.outputs
        passes = p.matrix.spans * sum(max(part.rows, sums) for part in p.matrix.parts)
        total += p.blocks * max(passes, sums * products.get(p.matrix.name.rpartition(".")[2], 1))
    return total


def speed_lines(
    shape: Shape, base: Floorplan, placed: Placement, context: int, c: Table[str, float]
) -> list[Line]:
    """From the macro's clock to tokens per second, and the energy of reading the ROM.

    Args:
        shape, base, placed, context: What is planned.
        c: Constants, the table "fabric".

    Raises:
        FlowError: No tile of this shape can be drawn.
    """
    grid = base.rom.rows, base.rom.columns
    tile = next(t for t in rom_tiles(base.pdk) if t.size == TILE)
    ram = next(t for t in ram_tiles(base.pdk) if t.size.words == base.ram.words)
    # The floorplan has its rows of ram tiles already: whether they fit is not asked here.
    die = Die(base.name, (base.die[0] - 2 * base.edge) / 1e3, math.inf)
    macro = rom_macro_um2(base.pdk, MACRO_BITS)
    own = {**c, "link_bytes": float(base.link_bytes)}  # the die's own, not the explorer's assumption
    e = estimate(shape, context, die, tile, grid, ram, macro, own)
    if e is None:
        raise FlowError(f"the rom tiles of {base.name} would be too narrow or too wide to be drawn")
    products = dict.fromkeys("qk", c["products_qkv"]) | dict.fromkeys(("gate", "up"), c["products_gate_up"])
    layers = [[p for p in d if p.matrix.name not in LOGITS] for d in placed.dies]
    logits = "embed" if shape.tied else "head"
    heads = [[p for p in d if p.matrix.name == logits] for d in placed.dies]
    links = (len(placed.dies) - 1) * e.cycles["links"] / max(1, e.dies - 1)
    parts = {
        "matrices": sum(_cycles(d, products) for d in layers),
        "head": max(_cycles(d, products) for d in heads),
        "drains": e.cycles["drains"],
        "vector work": sum(e.cycles[k] for k in ("norms", "softmax", "hadamard")),
        "attention": e.cycles["attention"],
        "look-up of a token": shape.dim + e.cycles["embedding"] * (not shape.tied),
        "links": links,
    }
    token = sum(parts.values())
    rest = sum(parts[k] for k in ("drains", "vector work", "attention")) / shape.layers
    slowest = max(
        _cycles(one, products) + rest * math.ceil(sum(p.matrix.name.endswith(".k") for p in one))
        for one in layers
    )
    slowest = max(slowest, parts["head"]) + links / max(1, len(placed.dies))
    clock = clocks()
    g = "speed and energy"
    told = {
        "matrices": "for each pass its steps or the sums that leave a column; of a block a lane's products",
        "head": "the same of the die that has most of it: all its dies work at once",
        "drains": (
            f"5 phases per layer: {c['step_stages']:g} + {c['row_stages']:g} rows + columns +"
            f" {c['lane_stages']:g} + sums"
        ),
        "vector work": "norms, softmax of the last heads, Hadamard, where they do not overlap with matrices",
        "attention": f"at position {context}, the heads of a layer side by side on their ram tiles",
        "look-up of a token": "one input per step, its column read with a 1",
        "links": f"{len(placed.dies) - 1} hops, {base.link_bytes} bytes per cycle of each vec tile",
    }
    slow, typical = clock.slow, clock.typical
    return [
        Line(g, "clock", slow / 1e6, "MHz", CLOCK),
        Line(g, "clock of typical silicon", typical / 1e6, "MHz", CLOCK_TYPICAL),
        *(Line(g, f"cycles: {k}", v, "", told[k]) for k, v in parts.items()),
        Line(g, "cycles per token", token, "", "sum of these", tuple(USED)),
        Line(g, "tokens/s of one stream", slow / token, "1/s", "clock / cycles per token"),
        Line(g, "the same, typical", typical / token, "1/s", "clock of typical silicon / cycles per token"),
        Line(g, "tokens/s pipelined", slow / slowest, "1/s", f"clock / {slowest:,.0f} cycles of a die"),
        Line(g, "pipelined, typical", typical / slowest, "1/s", "as many streams as dies share the memory"),
        rom_energy(shape, placed, c),
    ]  # fmt: skip


def rom_energy(shape: Shape, placed: Placement, c: Table[str, float]) -> Line:
    """Energy of reading the weights once."""
    # An embedding that is not the head is looked up, not multiplied.
    looked_up = "embed" if not shape.tied or "head" in {m.name for m in placed.matrices} else ""
    read = sum(_read_bits(m.outputs * m.inputs, m.bits) for m in placed.matrices if m.name != looked_up)
    read *= TILE.ways  # rows beside each other in a word, of which one is selected
    charge = c["ones"] * (c["bit_line"] + c["bit_line_load"]) * 1e-15 * c["supply"] ** 2
    return Line(
        "speed and energy", "ROM energy per token", read * charge * 1e3, "mJ",
        f"{read:,.0f} bits read * ones * (bit_line + bit_line_load) * supply^2",
        ("ones", "bit_line", "bit_line_load", "supply"),
    )  # fmt: skip


USED = (
    "step_stages", "row_stages",
    "lane_stages", "norm_stages", "softmax_stages", "products_qkv", "products_gate_up",
    "hadamard", "mix_passes", "sampling", "residual_bytes", "vec_columns",
)  # fmt: skip


def _read_bits(weights: int, bits: int) -> float:
    """Bits of ROM that multiplying reads: for digits of 2 and 1 bits all four of a word, again and again."""
    return weights * {3: 4 + 4, 4: 4, 5: 4 + 4, 6: 4 + 4, 7: 4 + 4 + 4, 8: 8}[bits]
