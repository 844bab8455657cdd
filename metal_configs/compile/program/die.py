"""Models on dies of one column of tiles: any Llama-shaped one that fits, as rows of their vec tiles."""

__all__ = ["compile_chain", "compile_die", "compile_part"]

from collections.abc import Mapping, Sequence

import numpy as np

from metal_configs.compile.program.caches import Caches, Room
from metal_configs.compile.program.contents import Contents
from metal_configs.compile.program.decoder import Decoder
from metal_configs.compile.program.layers import Layers, Most
from metal_configs.compile.program.part import Part, cut
from metal_configs.compile.program.rows import Rows
from rtl_gen.errors import FlowError
from rtl_gen.golden.array import ArrayModel
from rtl_gen.golden.die_image import DieImage
from rtl_gen.golden.model import Model


def compile_die(
    model: Model,
    array: ArrayModel,
    ram_rows: int,
    ram_words: int,
    ranks: Mapping[str, int] | None = None,
    skipped: int = 0,
    most: Most = Most(),  # noqa: B008
) -> DieImage:
    """Lay a model on a die.

    Args:
        model: The integers.
        array: Empty rom tiles, one column of them; filled here.
        ram_rows, ram_words: Ram tiles to the south of them, and rows of each.
        ranks: Of the adapters that the host loads, by the name of the matrix; None without adapters.
        skipped: Rows of rom tiles that the vec tile sends steps to beyond those of the array.
        most: What the vec tile has: the fewer heads go side by side. Whether all fits, `die_macros` says.

    Raises:
        FlowError: It does not fit; the message says which memory, and by how much.
    """
    return compile_part(Part.whole(model), array, ram_rows, ram_words, ranks, skipped, most=most)


def compile_chain(
    model: Model,
    arrays: Sequence[ArrayModel],
    ram_rows: int,
    ram_words: int,
    ranks: Mapping[str, int] | None = None,
    skipped: int = 0,
    most: Most = Most(),  # noqa: B008
) -> list[DieImage]:
    """Cut a model's layers over a chain of dies.

    Args:
        model: The integers.
        arrays: Empty rom tiles of each die, one column of them; filled here.
        ram_rows, ram_words: Ram tiles of each to the south of them, and rows of each.
        ranks: Of the adapters that the host loads, by the name of the matrix; None without adapters.
        skipped: Rows of rom tiles that each vec tile sends steps to beyond those of the array.
        most: What each vec tile has, as for `compile_die`.

    Raises:
        FlowError: It does not fit; the message says which die, which memory, and by how much. Or there are
            more dies than layers.
    """
    return [
        compile_part(part, array, ram_rows, ram_words, ranks, skipped, f"die {n} of {len(arrays)}", most)
        for n, (part, array) in enumerate(zip(cut(model, len(arrays)), arrays, strict=True))
    ]


def compile_part(
    part: Part,
    array: ArrayModel,
    ram_rows: int,
    ram_words: int,
    ranks: Mapping[str, int] | None = None,
    skipped: int = 0,
    which: str = "",
    most: Most = Most(),  # noqa: B008
) -> DieImage:
    """Lay a part of a model on a die.

    Args:
        part: What the die does.
        array: Its empty rom tiles, one column of them; filled here.
        ram_rows, ram_words, ranks, skipped: As for `compile_chain`.
        which: Of the dies, for messages; they say what is on it. Without it the model is on one.
        most: What the vec tile has, as for `compile_die`.

    Raises:
        FlowError: It does not fit; the message says which part of the model, which memory, and by how much.
    """
    try:
        return _compile(part, array, Room(ram_rows, ram_words), ranks or {}, skipped, most)
    except FlowError as error:
        where = which and f"{which}, {part.where}"
        raise FlowError(error.what, where=where, hint=error.hint, code=error.code) from error


def _compile(
    part: Part, array: ArrayModel, room: Room, ranks: Mapping[str, int], skipped: int, most: Most
) -> DieImage:
    s, positions = part.model.shape, part.model.positions
    caches = Caches(s.head_dim + 1, positions, {}, {})
    if part.layers:
        caches = Caches.of(part.layers, s.kv_heads, s.head_dim, positions, room)
    spot = None
    if not part.first:
        spot = room.take(1)
        room.check("keys and values beside a row for residuals")
    contents = Contents(part, array)
    rows = Rows(skipped, array.grid[0], room.tiles)
    here = {name: rank for name, rank in ranks.items() if name in part.matrices()}
    decoder = Decoder(Layers(contents, caches, rows, here, room, most), spot, adapted=bool(ranks))
    rom_bytes = max(contents.read(n) for n in part.matrices())
    return DieImage(
        array, skipped, room.tiles, room.words, sum(room.used), decoder.layers.memory,
        (rom_bytes, decoder.layers.ram_bytes),
        decoder.rows.resolved(positions), tuple(decoder.rows.phases),
        np.array(contents.words, np.int64).astype(np.uint16), contents.at, positions, decoder.token_bytes,
        decoder.count_bytes, decoder.layers.adapted.place, part.begins, part.greedy,
    )  # fmt: skip
