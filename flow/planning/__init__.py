"""What a model needs on dies of tiles: numbers, each with its formula and its constants' sources.

Nothing is built and no weights are read.
"""

__all__ = ["Line", "Plan", "fitting_bases", "make_plan", "model_shape"]

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from base_chip.dies import STATUS, Floorplan
from base_chip.pdk.constants import Constant, constants
from flow.planning.area import area_lines, mask_lines, single_die
from flow.planning.column import column_lines, compile_shape, fitting_bases
from flow.planning.lines import Line
from flow.planning.place import place
from flow.planning.speed import memory_lines, rom_energy, speed_lines
from metal_configs.compile import Placement
from metal_configs.compile.matrix import FACTOR_BITS
from metal_configs.compile.place import model_forms
from metal_configs.models import KNOWN, resolve
from metal_configs.quantise.policy import Format
from rtl_gen.golden.shape import Shape

NOT_COUNTED = (
    "yield and repair; the host; tables and program; wires along a die, in time and power; logic, in power;"
    " a vec tile under several columns does not exist, and is taken as large as that of one for each"
)
COUNTED = "yield and repair; the host; logic, in power"  # of dies for which a program is compiled


@dataclass(frozen=True)
class Plan:
    """Everything `sc-flow plan` says.

    Attributes:
        matrices: By kind and format of matrix: how many, outputs, inputs, bits of a code, those that a code
            has in the ROM, weights, ROM bits.
        dies: What each holds.
        single_die: Why one die does not do, or that it does; and the largest model for one.
        not_counted: What the numbers leave out.
    """

    model: str
    base: str
    pdk: str
    context: int
    matrices: tuple[dict[str, Any], ...]
    lines: tuple[Line, ...]
    dies: tuple[dict[str, Any], ...]
    single_die: tuple[str, ...]
    constants: dict[str, Constant]
    placement: Placement
    not_counted: str

    def line(self, name: str) -> float:
        """The value of the line of that name."""
        return next(x.value for x in self.lines if x.name == name)

    def to_json(self) -> str:
        """All of it but the placement."""
        data = {k: getattr(self, k) for k in ("model", "base", "pdk", "context", "matrices", "dies")}
        data |= {"base_status": STATUS, "lines": [asdict(x) for x in self.lines]}
        data |= {"not_counted": self.not_counted}
        data |= {"single_die": self.single_die}
        data |= {"constants": {k: asdict(c) for k, c in self.constants.items()}}
        return json.dumps(data, indent=1)


def model_shape(model: str) -> tuple[str, Shape]:
    """Name and shape of a known model, or of the config.json (or its folder) at a path, without weights.

    Raises:
        FlowError: There is no such model, or its config is damaged.
    """
    from metal_configs.checkpoint import load, path_name
    from metal_configs.checkpoint.config import parse_config
    from metal_configs.checkpoint.huggingface import read_config

    known = KNOWN.get(model)
    if known and (known.folder or not Path(model).exists()):
        return model, known.shape
    path = resolve(model)
    folder = path.parent if path.name == "config.json" else path
    if not folder.is_dir():
        return path_name(path), load(path).shape
    # How positions are rotated changes no number of a plan, so scaled rotations are no obstacle here.
    raw = {k: v for k, v in read_config(folder).items() if k not in ("rope_scaling", "rope_parameters")}
    return path_name(folder), parse_config(raw, str(folder / "config.json"))


def make_plan(
    model: str,
    shape: Shape,
    base: Floorplan,
    context: int | None = None,
    forms: Mapping[str, Format] | None = None,
) -> Plan:
    """Plan a model on a base.

    Args:
        model: Its name.
        shape: Its shape.
        base: Its dies.
        context: Positions kept; the base's default, or the model's context if that is less.
        forms: How each matrix is stored; 4 bits, 6 in embedding and head, by default.

    Raises:
        FlowError: The model cannot be placed on dies of this base.
    """
    context = min(context or base.context, shape.context)
    compiled = compile_shape(shape, base, context, forms) if base.one_column else None
    placed = compiled.placement if compiled else place(shape, base, context, forms)
    table = {**constants(base.pdk), **constants(base.pdk, "fabric")}
    c, n = {k: v.value for k, v in table.items()}, len(placed.dies)
    codes = _codes(placed, model_forms(shape, forms))
    lines = [*_rom(placed, codes), *area_lines(base, n), *mask_lines(base, n, c)]
    if compiled:
        lines += [*column_lines(shape, base, compiled, context), rom_energy(shape, placed, c)]
    else:
        lines += [*memory_lines(shape, placed, context), *speed_lines(shape, base, placed, context, c)]
    used = {u for x in lines for u in x.uses}
    dies = tuple(
        {
            "die": n,
            "holds": [[p.matrix.name, p.first_output, p.first_output + p.outputs] for p in pieces],
            "rows": pieces[-1].end,
            "ram_rows": ram,
        }
        for n, (pieces, ram) in enumerate(zip(placed.dies, placed.ram_rows, strict=True))
    )
    return Plan(
        model, base.name, base.pdk, context, _kinds(placed, codes), tuple(lines), dies,
        single_die(model, base, placed, c, compiled.why if compiled else ""),
        {k: v for k, v in table.items() if k in used}, placed, COUNTED if compiled else NOT_COUNTED,
    )  # fmt: skip


def _codes(placed: Placement, forms: Mapping[str, Format]) -> list[int]:
    """Bits of a code of each matrix; it may be laid in more, as a die of one column has digits of 4 bits."""
    return [
        forms[m.name if m.name in forms else "embed"].bits for m in placed.matrices
    ]  # head, if it is tied


def _rom(placed: Placement, codes: Sequence[int]) -> list[Line]:
    size = placed.die
    sizes = [m.outputs * m.inputs for m in placed.matrices]
    weights = sum(sizes)
    code_bits = sum(n * bits for n, bits in zip(sizes, codes, strict=True))
    laid = sum(n * m.bits for n, m in zip(sizes, placed.matrices, strict=True))
    factors = sum(m.outputs for m in placed.matrices) * FACTOR_BITS
    rows = sum(m.blocks * m.rows_a_block for m in placed.matrices)
    wide = size.rows * size.columns * size.activations * size.outputs * 4
    dies = len(placed.dies)
    g = "ROM"
    return [
        Line(g, "weights", weights, "", "sum over matrices of outputs * inputs"),
        Line(g, "code bits", code_bits, "bit", "sum over matrices of weights * bits of a code"),
        Line(g, "bits as laid", laid, "bit", "sum over matrices of weights * bits of a code in ROM"),
        Line(g, "factor bits", factors, "bit", f"{FACTOR_BITS} per output of every matrix, in vec tiles"),
        Line(g, "rows", rows, "", f"of {wide} bits: one of every rom tile of a die"),
        Line(g, "bits per weight", rows * wide / weights, "bit", f"as laid out: rows * {wide} / weights"),
        Line(g, "dies", dies, "", f"in order of execution, at most {size.depth} rows each"),
        Line(
            g, "filled", laid / (dies * size.depth * wide), "", f"bits as laid / (dies * {size.depth} rows)"
        ),
    ]


def _kinds(placed: Placement, codes: Sequence[int]) -> tuple[dict[str, Any], ...]:
    kinds: dict[tuple[str, int], dict[str, Any]] = {}
    for m, bits in zip(placed.matrices, codes, strict=True):
        kind = m.name.rpartition(".")[2]
        fixed = {"matrix": kind, "outputs": m.outputs, "inputs": m.inputs, "bits": bits, "bits_laid": m.bits}
        row = kinds.setdefault((kind, bits), fixed | {"count": 0, "weights": 0, "rom_bits": 0})
        row["count"] += 1
        row["weights"] += m.outputs * m.inputs
        row["rom_bits"] += m.used_bits
    order = list(dict.fromkeys(kind for kind, _ in kinds))
    return tuple(kinds[k] for k in sorted(kinds, key=lambda k: (order.index(k[0]), k[1:])))
