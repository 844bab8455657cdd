"""A model on as few dies as its order of execution allows."""

__all__ = ["kv_rows", "model_forms", "place_model"]

from collections.abc import Mapping as Table

from metal_configs.compile.matrix import DieSize, Matrix
from metal_configs.compile.placement import Piece, Placement
from metal_configs.quantise.policy import Format, Policy
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.shape import Shape

DIAGONAL = 3  # bits of `final` where it is the final norm's weights, a code of 1 or -1 an output


def model_forms(shape: Shape, forms: Table[str, Format] | None = None) -> dict[str, Format]:
    """How each matrix is stored, in the order of execution: those of the shape, and `final` of a tied model.

    Args:
        shape: The model.
        forms: Of a quantised file; by default what `Policy` says.
    """
    given = forms or {name: Policy().format_of(name) for name in shape.matrices()}
    found = {name: given[name] for name in shape.matrices()}
    return found | ({"final": given.get("final", Format(DIAGONAL))} if shape.tied else {})


def kv_rows(shape: Shape, size: DieSize, context: int) -> int:
    """Rows of ram tiles for keys and values of a layer, without exponents: keys a column a position; values a
    row a position, as many heads side by side as there is room for."""
    keys = shape.kv_heads * -(-context // size.outputs) * shape.head_dim
    beside = max(1, size.outputs // shape.head_dim)
    return keys + -(-shape.kv_heads // beside) * -(-shape.head_dim // size.outputs) * context


def place_model(
    shape: Shape, size: DieSize, context: int, forms: Table[str, Format] | None = None
) -> Placement:
    """Place a model; the same input gives the same placement.

    Blocks of matrices follow each other on the rows of all rom tiles of a die, in the order of execution;
    where the next block, its factors or a layer's keys and values do not fit, the next die goes on. k and v
    of a layer stay on one die, and with them its keys and values: attention needs no sums over several dies.

    Args:
        shape: The model.
        size: Of one die.
        context: Positions whose keys and values are kept, 8 bits a value.
        forms: See `model_forms`.

    Raises:
        FlowError: One block of a matrix, or a layer's k and v or keys and values, do not fit on an empty die.
    """
    sizes = shape.matrices() | {"final": (shape.dim, shape.dim)}
    found = model_forms(shape, forms)
    matrices = tuple(Matrix(n, *sizes[n], f.bits, size) for n, f in found.items())
    named = {m.name: m for m in matrices}
    _check_context(shape, size, context)
    chain = _Chain(size)
    for m in matrices:
        layer, _, kind = m.name.rpartition(".")
        if kind == "k":
            chain.put(
                [(m, 0, m.blocks), (v := named[f"{layer}.v"], 0, v.blocks)], kv_rows(shape, size, context)
            )
        elif kind != "v":
            for block in range(m.blocks):
                chain.put([(m, block, 1)])
    return Placement(size, matrices, tuple(map(tuple, chain.dies)), tuple(chain.ram))


class _Chain:
    """Dies that are filled one after the other."""

    def __init__(self, size: DieSize) -> None:
        self.size = size
        self.dies: list[list[Piece]] = [[]]
        self.ram = [0]

    def put(self, unit: list[tuple[Matrix, int, int]], ram_rows: int = 0) -> None:
        """Place blocks that stay together: of each matrix the first and how many."""
        rows = sum(count * m.rows_a_block for m, _, count in unit)
        factors = sum(count * m.factor_rows_a_block for m, _, count in unit)
        _check_unit(unit, rows, factors, self.size)
        row, factor = self._end()
        full = row + rows > self.size.depth or factor + factors > self.size.factor_rows
        if full or self.ram[-1] + ram_rows > self.size.ram_rows:
            self.dies.append([])
            self.ram.append(0)
        self.ram[-1] += ram_rows
        for m, first, count in unit:
            row, factor = self._end()
            pieces = self.dies[-1]
            if pieces and pieces[-1].matrix is m:
                last = pieces.pop()
                first, count, row, factor = last.first, last.blocks + count, last.row, last.factor_row
            pieces.append(Piece(m, first, count, row, factor))

    def _end(self) -> tuple[int, int]:
        last = self.dies[-1][-1] if self.dies[-1] else None
        return (last.end, last.factor_end) if last else (0, 0)


def _check_context(shape: Shape, size: DieSize, context: int) -> None:
    need = kv_rows(shape, size, context)
    if need <= size.ram_rows:
        return
    most = next(n for n in range(context, -1, -1) if n == 0 or kv_rows(shape, size, n) <= size.ram_rows)
    fits = f"At most {most} positions fit: pass --context {most}" if most else "No position fits"
    raise FlowError(
        f"ram: keys and values of a layer and {context} positions take {need:,} rows of ram tiles,"
        f" {need - size.ram_rows:,} more than the {size.ram_rows:,} of a die",
        hint=f"{fits}, or choose a base with more ram tiles.",
        code=ExitCode.USAGE,
    )


def _check_unit(unit: list[tuple[Matrix, int, int]], rows: int, factors: int, size: DieSize) -> None:
    names = " and ".join(m.name for m, _, _ in unit)
    outputs = sum(min(count * m.outputs_a_block, m.outputs) for m, _, count in unit)
    if rows > size.depth:
        raise FlowError(
            f"rom: {outputs:,} outputs of {names} take {rows:,} rows of every rom tile,"
            f" {rows - size.depth:,} more than the {size.depth:,} that a tile has",
            hint="Choose a base with more rom tiles: all of them share a matrix.",
        )
    if factors > size.factor_rows:
        raise FlowError(
            f"vec: the factors of {outputs:,} outputs of {names} take {factors:,} rows of a vec tile's ROM,"
            f" {factors - size.factor_rows:,} more than the {size.factor_rows:,} that it has",
            hint="Choose a base with more ROM macros in its vec tiles.",
        )
