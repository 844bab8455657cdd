"""A model on a chain of dies of one column of tiles: what its compiled program takes, not a model of it."""

__all__ = ["Compiled", "column_lines", "compile_shape", "fitting_bases"]

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from base_chip.dies import Floorplan, known_dies, load_die
from base_chip.harden.artifact import HardenedTile
from flow.planning.lines import CLOCK, CLOCK_TYPICAL, Line
from flow.planning.program import hollow_model
from flow.stitching.column import die_column
from flow.stitching.periods import PERIODS, die_period
from metal_configs.checkpoint.checkpoint import tensor_shapes
from metal_configs.compile import Placement
from metal_configs.compile.place import model_forms
from metal_configs.compile.program.fit import Column, fit_dies
from metal_configs.compile.program.macros import vec_needs
from metal_configs.compile.program.places import column_placement
from metal_configs.quantise.policy import Format
from rtl_gen.errors import FlowError
from rtl_gen.golden.chain import ChainModel
from rtl_gen.golden.die_image import DieImage
from rtl_gen.golden.shape import Shape


@dataclass(frozen=True)
class Compiled:
    """A shape on dies.

    Attributes:
        images: Of each die what it is; all codes are 0.
        placement: Where each bit lies.
        why: What one die lacks; empty if it does, or if so many dies were asked for.
    """

    images: tuple[DieImage, ...]
    placement: Placement
    why: str


def compile_shape(
    shape: Shape, base: Floorplan, context: int, forms: Mapping[str, Format] | None = None, dies: int = 0
) -> Compiled:
    """Compile a shape for as few dies as hold it, or for so many.

    Args:
        shape: The model.
        base: A die of one column.
        context: Positions kept.
        forms: How each matrix is stored; see `model_forms`.
        dies: How many; 0 for as few as can be.

    Raises:
        FlowError: It does not fit.
    """
    bits = {name: form.bits for name, form in model_forms(shape, forms).items()}
    model, die = hollow_model(shape, context, bits), die_column(base)
    images = tuple(image for image, _ in fit_dies(model, die, dies=dies))
    why = ""
    if len(images) > 1 and not dies:
        try:
            fit_dies(model, die, dies=1)
        except FlowError as error:
            why = error.what
    return Compiled(images, column_placement(model, die, images), why)


def fitting_bases(shape: Shape) -> list[str]:
    """Dies of one column that hold a model by themselves, the smallest first; codes of 4 bits, 6 in embedding
    and head, and as many positions as the die keeps. Their tiles have artifacts.
    """
    dies = [d for d in map(load_die, known_dies()) if d.one_column and HardenedTile.ships(d.vec.tile)]
    dies.sort(key=lambda die: die.die[0] * die.die[1])
    return [die.name for die in dies if _fits(shape, die)]


def _fits(shape: Shape, die: Floorplan) -> bool:
    # A model that is far too large is not laid out to learn so: no code has less than 3 of a weight's 4 bits.
    if 3 * sum(map(prod, tensor_shapes(shape).values())) > 4 * die.weights:
        return False
    try:
        compile_shape(shape, die, min(die.context, shape.context), dies=1)
    except FlowError:
        return False
    return True


def column_lines(shape: Shape, base: Floorplan, made: Compiled, context: int) -> list[Line]:
    """Memories of the fullest die, and cycles and tokens per second of the program, by the golden model."""
    die = die_column(base)
    return [*_memories(shape, die, made.images, context), *_speed(base, made.images, context)]


def _memories(shape: Shape, die: Column, images: tuple[DieImage, ...], context: int) -> list[Line]:
    g = "memories"
    needs = [vec_needs(image, die.vec) for image in images]
    kv = 2 * shape.layers * context * shape.kv_dim
    return [
        Line(
            g, "keys and values", 8 * kv, "bit",
            f"2 * {shape.layers} layers * {context} positions * {shape.kv_dim} * 8 bits",
        ),
        Line(
            g, "ram rows of the fullest die", max(i.ram_used for i in images), "",
            f"of {die.ram_rows * die.ram.words}, 32 bytes each: a key is a column, a value a row",
        ),
        *(
            Line(g, what, max(need[what][0] for need in needs), "", f"of {there} in the vec tile")
            for what, (_, there) in needs[0].items()
        ),
    ]  # fmt: skip


def _speed(base: Floorplan, images: tuple[DieImage, ...], context: int) -> list[Line]:
    g = "speed and energy"
    slow = 1e3 / die_period(base)
    typical = slow / PERIODS["typical"]
    whole, each = _token_cycles(images, context)
    lines = [
        Line(g, "clock", slow, "MHz", CLOCK),
        Line(g, "clock of typical silicon", typical, "MHz", CLOCK_TYPICAL),
    ]
    if len(images) > 1:
        lines += [
            Line(g, f"cycles of die {n}", cycles, "", "from the first byte that comes to the last that goes")
            for n, cycles in enumerate(each)
        ]
    return [
        *lines,
        Line(g, "cycles per token", whole, "", f"of the program, at position {context}"),
        Line(g, "tokens/s", slow * 1e6 / whole, "1/s", "clock / cycles per token"),
        Line(g, "tokens/s, typical", typical * 1e6 / whole, "1/s", "clock of typical silicon / the same"),
    ]


def _token_cycles(images: tuple[DieImage, ...], context: int) -> tuple[int, list[int]]:
    """Of the last token that a text may have: of the whole chain, and of each die.

    A token with other integers takes some cycles more or less where epsilon is brought to the residual.
    """
    chain = ChainModel(images)
    request = images[0].request([0], 0, 1)
    head = len(request) - images[0].token_bytes
    chain.send(request[:head])
    for die in chain.dies:
        die.skip_to(context - 1)
    began = max(die.clock.now for die in chain.dies)
    count = [len(die.said_at) for die in chain.dies]
    chain.send(request[head:], [began] * images[0].token_bytes)
    heard, each = began, []
    for die, before in zip(chain.dies, count, strict=True):
        each.append(die.said_at[-1] - heard)
        heard = die.said_at[before]
    return chain.said_at[-1] - began, each
