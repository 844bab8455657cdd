"""A chain for a model whose embedding, or whose head, no die holds beside layers."""

__all__ = ["cut_tokens"]

from collections.abc import Callable

from metal_configs.compile.program.part import HIGH, Alone, Part, cut
from metal_configs.compile.program.residual import ASKED
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.model import Model
from rtl_gen.golden.vec_isa import BLOCK

Lay = Callable[[Part], object]
NOTHING = range(0)


def cut_tokens(model: Model, lay: Lay, dies: int = 0) -> list[Part]:
    """Parts of the shortest chain in which the embedding, or the head, or both, have dies of their own.

    Each of those dies has as many tokens as it holds.

    Args:
        model: What is cut.
        lay: Lays a part on a die; raises FlowError if that does not hold it.
        dies: How many there are; 0 for as few as hold the model.

    Raises:
        FlowError: It does not fit; what the longest chain that was tried lacks.
    """
    if model.shape.vocab > ASKED * HIGH:
        raise FlowError(
            f"{model.name} has {model.shape.vocab:,} tokens, of which a chain tells {ASKED * HIGH:,} apart",
            hint="Take a model with fewer tokens, or dies that hold its embedding.", code=ExitCode.USAGE,
        )  # fmt: skip
    embeds = _filled(model, HIGH, lay, lambda t, some: Part(model, NOTHING, t, NOTHING, some, False))
    chooses = _filled(model, BLOCK, lay, lambda t, some: Part(model, NOTHING, NOTHING, t, False, some))
    found: list[list[Part]] = []
    for alone in (Alone(embeds), Alone((), chooses), Alone(embeds, chooses)):
        try:
            found.append(_with_layers(model, alone, lay, dies))
        except FlowError as error:
            last = error
    if not found:
        raise last
    return min(found, key=len)


def _filled(model: Model, unit: int, lay: Lay, part: Callable[[range, bool], Part]) -> tuple[range, ...]:
    """Tokens of each die: all on one, or as many units as it holds."""
    tokens = model.shape.vocab
    if _holds(lay, part(range(tokens), False)):
        return (range(tokens),)
    ranges: list[range] = []
    while not ranges or ranges[-1].stop < tokens:
        start = ranges[-1].stop if ranges else 0

        def some(units: int, start: int = start) -> range:
            return range(start, min(start + units * unit, tokens))

        before = -(-len(ranges[-1]) // unit) if len(ranges) > 1 else 0
        if before and _holds(lay, part(some(before), True)):  # the first alone differs from the others
            ranges.append(some(before))
            continue
        least, most = 0, -(-(tokens - start) // unit) - (not start)
        while least < most:
            middle = (least + most + 1) // 2
            least, most = (middle, most) if _holds(lay, part(some(middle), True)) else (least, middle - 1)
        if not least:
            lay(part(some(1), len(some(1)) < tokens))  # says why not
        ranges.append(some(least))
    return tuple(ranges)


def _holds(lay: Lay, part: Part) -> bool:
    try:
        lay(part)
    except FlowError:
        return False
    return True


def _with_layers(model: Model, alone: Alone, lay: Lay, dies: int) -> list[Part]:
    """The parts of a chain with as few dies of layers as hold them, or so many that all are as many."""
    counts = [dies - alone.dies] if dies else range(1, model.shape.layers + 1)
    if counts[0] < 1:
        raise FlowError(
            f"{alone.dies} dies hold the embedding and the head of {model.name}, which leaves none of {dies}",
            hint="Take more dies (--chain).", code=ExitCode.USAGE,
        )  # fmt: skip
    for count in counts:
        parts = cut(model, count, alone)
        try:
            _lay_layers(parts, lay)
        except FlowError as error:
            last = error
        else:
            return parts
    raise last


def _lay_layers(parts: list[Part], lay: Lay) -> None:
    layers = [(n, part) for n, part in enumerate(parts) if part.layers]
    for n, part in sorted(layers, key=lambda p: -p[1].bits):  # what does not fit is told by the largest
        try:
            lay(part)
        except FlowError as error:
            where = f"die {n} of {len(parts)}, {part.where}"
            raise FlowError(error.what, where=where, hint=error.hint, code=error.code) from error
