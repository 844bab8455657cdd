"""What a model needs on dies of a planned base: numbers, each with its formula and the sources of its constants.

Nothing is built and no weights are read.
"""

__all__ = ["Line", "Plan", "fits_hardened", "make_plan", "model_shape"]

import functools
import json
import math
from collections.abc import Mapping as Table
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from base_chip.config import load_base
from base_chip.planned import STATUS, PlannedBase
from metal_configs.models import KNOWN, resolve
from metal_configs.multi_die import Mapping, Piece, map_model
from metal_configs.multi_die.mapping import FACTOR_BITS, KV_BITS, SLOT_BITS
from metal_configs.quantise import Policy
from rtl_gen.errors import FlowError
from rtl_gen.golden.shape import Shape

NOT_COUNTED = (
    "yield and repair; the host; the sequencer's program; norms, rotations and draining of sums, which take nano"
    " two thirds of its cycles; timing of the wires along a column of banks; power beyond the bit lines"
)


@dataclass(frozen=True)
class Line:
    """One number: `formula` in words and numbers, `uses` the constants whose sources it rests on."""

    group: str
    name: str
    value: float
    unit: str
    formula: str
    uses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """Everything `sc-flow plan` says.

    Attributes:
        matrices: By kind of matrix: how many, outputs, inputs, bits of a code, weights, ROM bits.
        dies: What each holds.
        single_die: Why one die does not do, or that it does; and the largest model for one.
    """

    model: str
    base: str
    pdk: str
    context: int
    matrices: tuple[dict[str, Any], ...]
    lines: tuple[Line, ...]
    dies: tuple[dict[str, Any], ...]
    single_die: tuple[str, ...]
    constants: dict[str, dict[str, Any]]
    mapping: Mapping

    def line(self, name: str) -> float:
        """The value of the line of that name."""
        return next(x.value for x in self.lines if x.name == name)

    def to_json(self) -> str:
        """All of it but the mapping."""
        data = {k: getattr(self, k) for k in ("model", "base", "pdk", "context", "matrices", "dies")}
        data |= {"base_status": STATUS, "lines": [asdict(x) for x in self.lines], "not_counted": NOT_COUNTED}
        data |= {"single_die": self.single_die, "constants": self.constants}
        return json.dumps(data, indent=1)


@functools.cache
def constants(pdk: str) -> Table[str, dict[str, Any]]:
    """The table of a PDK: by name, value, unit and source.

    Raises:
        FlowError: There is no table for this PDK.
    """
    path = resources.files("base_chip.pdk").joinpath(pdk, "plan.yaml")
    if not path.is_file():
        raise FlowError(f"no constants to plan with on {pdk}", hint="Plans exist for sky130.")
    table: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text("utf-8"))
    return table


def model_shape(model: str) -> tuple[str, Shape]:
    """Name and shape of a known model, or of the config.json (or its folder) at a path; weights are not looked at.

    Raises:
        FlowError: There is no such model, or its config is damaged.
    """
    from metal_configs.checkpoint import load
    from metal_configs.checkpoint.config import parse_config
    from metal_configs.checkpoint.huggingface import read_config

    known = KNOWN.get(model)
    if known and (known.folder or not Path(model).exists()):
        return model, known.shape
    path = resolve(model)
    folder = path.parent if path.name == "config.json" else path
    if not folder.is_dir():
        return path.stem, load(path).shape
    # How positions are rotated changes no number of a plan, so scaled rotations are no obstacle here.
    raw = {k: v for k, v in read_config(folder).items() if k not in ("rope_scaling", "rope_parameters")}
    return folder.resolve().name, parse_config(raw, str(folder / "config.json"))


def fits_hardened(shape: Shape, base: str) -> bool:
    """Whether a hardened base's limits hold for a model."""
    limits = load_base(base).limits
    return all(getattr(shape, n) <= getattr(limits, n) for n in vars(limits))


def make_plan(model: str, shape: Shape, base: PlannedBase, context: int | None = None) -> Plan:
    """Plan a model on a base.

    Args:
        model: Its name.
        shape: Its shape.
        base: Its dies.
        context: Positions kept; the base's default, or the model's context if that is less.

    Raises:
        FlowError: The model cannot be placed on dies of this base.
    """
    context = min(context or base.context, shape.context)
    policy = Policy()
    mapping = place(shape, base, context)
    c = {k: v["value"] for k, v in constants(base.pdk).items()}
    lines = [*_rom(shape, base, mapping), *_area(base, mapping, c), *_wafer(base, mapping, c)]
    lines += [*_memory(shape, base, mapping, context), *_speed(shape, base, mapping, context, c)]
    kinds: dict[str, dict[str, Any]] = {}
    for m in mapping.matrices:
        kind = m.name.rpartition(".")[2]
        row = kinds.setdefault(
            kind,
            {"matrix": kind, "count": 0, "outputs": m.outputs, "inputs": m.inputs, "bits": policy.bits_of(m.name)}
            | {"weights": 0, "rom_bits": 0},
        )  # fmt: skip
        row["count"] += 1
        row["weights"] += m.outputs * m.inputs
        row["rom_bits"] += m.passes * m.rows_a_pass * base.rom.bits
    dies = tuple(
        {
            "die": n,
            "holds": [[p.matrix.name, p.first_output, p.first_output + p.outputs] for p in pieces],
            "rows": pieces[-1].end,
            "kv_bits": kv,
        }
        for n, (pieces, kv) in enumerate(zip(mapping.dies, mapping.kv_bits, strict=True))
    )
    return Plan(
        model, base.name, base.pdk, context, tuple(kinds.values()), tuple(lines), dies,
        _single_die(model, shape, base, mapping, c), dict(constants(base.pdk)), mapping,
    )  # fmt: skip


def place(shape: Shape, base: PlannedBase, context: int) -> Mapping:
    """The mapping that plan and build share."""
    return map_model(
        shape,
        Policy().bits_of,
        base.rom,
        columns=base.engine_columns,
        kv_bits=base.kv_bits,
        context=context,
    )


def _rom(shape: Shape, base: PlannedBase, mapping: Mapping) -> list[Line]:
    weights = sum(m.outputs * m.inputs for m in mapping.matrices)
    code_bits = sum(m.outputs * m.inputs * m.slots * SLOT_BITS for m in mapping.matrices)
    factors = sum(m.outputs for m in mapping.matrices) * FACTOR_BITS
    rows = sum(m.passes * m.rows_a_pass for m in mapping.matrices)
    rom = base.rom
    banks = -(-rows // (rom.word_lines * rom.mux))
    dies = len(mapping.dies)
    g = "ROM"
    return [
        Line(g, "weights", weights, "", "sum over matrices of outputs * inputs"),
        Line(g, "weight bits", code_bits, "bit", "4 a weight; 8 where a code has 6 bits, as it takes two columns"),
        Line(g, "factor bits", factors, "bit", f"{FACTOR_BITS} an output of every matrix"),
        Line(g, "ROM rows", rows, "", f"rows of {rom.bits} bits: inputs + rows of factors, for every pass"),
        Line(g, "banks", banks, "", f"rows / ({rom.word_lines} word lines * {rom.mux})"),
        Line(g, "dies", dies, "", f"in order of execution, at most {rom.banks} banks each; see the table of dies"),
        Line(g, "filled", rows / (dies * rom.rows), "", f"ROM rows / (dies * {rom.rows} rows)"),
    ]  # fmt: skip


def _areas(base: PlannedBase, c: Table[str, float]) -> dict[str, tuple[float, str, tuple[str, ...]]]:
    """mm2 of the parts of a die, with formula and constants."""
    from base_chip.bank.plan import BankPlan
    from base_chip.bank.spec import BankSpec

    rom, b = base.rom, base.banks
    bank = BankPlan(BankSpec(rom.word_lines, rom.bit_lines, pdk=base.pdk))
    bank_mm2 = bank.width * bank.height / 1e12
    logic = c["utilisation"] * 1e6
    columns = base.engines * base.engine_columns
    per_bit = bank.width * bank.height / 1e6 / (rom.word_lines * rom.bit_lines)
    return {
        "banks": (
            rom.banks * bank_mm2,
            f"{rom.banks} * {bank.width / 1000:g} * {bank.height / 1000:g} um, {per_bit:.3f} um2 a bit"
            " with taps, precharge and straps (docs/bank.md)",
            (),
        ),
        "strips beside banks": (
            rom.banks * (b.pitch[0] * b.pitch[1] / 1e6 - bank_mm2),
            f"{rom.banks} * ({b.pitch[0]:g} * {b.pitch[1]:g} um - bank); at least"
            f" ({rom.word_lines} * word_line_cell + {rom.bits} * bit_cell) / cells_in_strip ="
            f" {_strip(base, c):.0f} um2 each",
            ("word_line_cell", "bit_cell", "cells_in_strip"),
        ),
        "engines": (
            columns * c["column"] / logic,
            f"{base.engines} * {base.engine_columns} * column / utilisation",
            ("column", "utilisation"),
        ),
        "attention": (
            base.attention_lanes * c["column"] / logic,
            f"{base.attention_lanes} lanes * column / utilisation",
            ("column", "utilisation"),
        ),
        "control": (c["control"] / logic, "control / utilisation", ("control", "utilisation")),
        "key/value memory": (base.kv_bits * c["kv_bit"] / 1e6, f"{base.kv_bits} bits * kv_bit", ("kv_bit",)),
        "activation memory": (
            base.activation_bits * c["kv_bit"] / 1e6,
            f"{base.activation_bits} bits * kv_bit",
            ("kv_bit",),
        ),
        "edge": (
            (base.die[0] * base.die[1] - math.prod(d - 2 * base.edge for d in base.die)) / 1e6,
            f"{base.edge:g} um on every side: seal ring, pads, power ring",
            (),
        ),
    }


def _strip(base: PlannedBase, c: Table[str, float]) -> float:
    rom = base.rom
    return (rom.word_lines * c["word_line_cell"] + rom.bits * c["bit_cell"]) / c["cells_in_strip"]


def _area(base: PlannedBase, mapping: Mapping, c: Table[str, float]) -> list[Line]:
    parts = _areas(base, c)
    die = base.die[0] * base.die[1] / 1e6
    used = sum(v for v, _, _ in parts.values())
    g = "area of a die"
    lines = [Line(g, name, v, "mm2", f, u) for name, (v, f, u) in parts.items()]
    lines.append(Line(g, "spared", die - used, "mm2", "die - all of the above: wiring, clock, decoupling"))
    lines.append(Line(g, "die", die, "mm2", f"{base.die[0] / 1000:g} * {base.die[1] / 1000:g} mm"))
    total = len(mapping.dies) * die
    lines.append(Line(g, "all dies", total, "mm2", f"{len(mapping.dies)} * die"))
    return lines


def _wafer(base: PlannedBase, mapping: Mapping, c: Table[str, float]) -> list[Line]:
    dies, die = len(mapping.dies), base.die[0] * base.die[1] / 1e6
    field = c["field_width"] * c["field_height"]
    a_field = math.floor(c["field_width"] * 1000 / base.die[0]) * math.floor(
        c["field_height"] * 1000 / base.die[1]
    )
    d = c["wafer_diameter"] - 2 * c["wafer_edge"]
    a_wafer = math.floor(math.pi * d * d / 4 / die - math.pi * d / math.sqrt(2 * die))
    g = "masks and wafers"
    masks = c["program_masks"]
    return [
        Line(g, "dies a field", a_field, "", f"{c['field_width']} x {c['field_height']} mm", ("field_width", "field_height")),
        Line(g, "fields", -(-dies // max(a_field, 1)), "", f"dies / dies a field; a field is {field:g} mm2"),
        Line(g, "dies a wafer", a_wafer, "", "pi d^2 / (4 die) - pi d / sqrt(2 die), d = wafer_diameter - 2 wafer_edge", ("wafer_diameter", "wafer_edge")),
        Line(g, "wafers a model", dies / a_wafer, "", "dies / dies a wafer; without yield"),
        Line(g, "masks changed a die", masks, f"of {c['masks']}", "via2 alone tells one die, and one model, from another", ("masks", "program_masks")),
        Line(g, "program masks", masks * -(-dies // max(a_field, 1)), "", "one a field; the other masks are shared by all dies of all models"),
    ]  # fmt: skip


def _memory(shape: Shape, base: PlannedBase, mapping: Mapping, context: int) -> list[Line]:
    total = 2 * shape.layers * context * shape.kv_dim * KV_BITS
    g = "key/value memory"
    return [
        Line(g, "for the context", total, "bit", f"2 * {shape.layers} layers * {context} positions * {shape.kv_dim} * {KV_BITS} bits"),
        Line(g, "on the fullest die", max(mapping.kv_bits), "bit", f"of {base.kv_bits}, in cells of kv_bit um2 (flip-flops, as in nano, would take kv_bit_flipflop)", ("kv_bit", "kv_bit_flipflop")),
    ]  # fmt: skip


def _cycles(shape: Shape, base: PlannedBase, pieces: tuple[Piece, ...], context: int) -> tuple[float, float]:
    """Cycles a token of one die: ROM rows, and attention."""
    per_bank = base.rom.word_lines * base.rom.mux
    rows = attention = 0.0
    for p in pieces:
        kind = p.matrix.name.rpartition(".")[2]
        if kind == "embed" and not shape.tied:
            rows += per_bank if p.first == 0 else 0  # one output is looked up: its pass lies on many engines
            continue
        bank = np.arange(p.row // per_bank, (p.end - 1) // per_bank + 1)
        held = np.minimum(p.end, (bank + 1) * per_bank) - np.maximum(p.row, bank * per_bank)
        rows += float(np.bincount(bank % base.engines, held).max())
        if kind in ("k", "v"):
            attention += shape.q_dim * context / base.attention_lanes * p.outputs / shape.kv_dim
    return rows, attention


def _speed(
    shape: Shape, base: PlannedBase, mapping: Mapping, context: int, c: Table[str, float]
) -> list[Line]:
    each = [_cycles(shape, base, pieces, context) for pieces in mapping.dies]
    hop = shape.dim * 2 / base.link_bytes
    dies = len(each)
    rows, attention = (sum(e[k] for e in each) for k in (0, 1))
    cycles, slowest = rows + attention + dies * hop, max(a + b + hop for a, b in each)
    hertz = 1e9 / (2 * max(c["precharge"], c["word_line"] + c["bit_line"]))
    read = sum(m.passes * m.rows_a_pass for m in mapping.matrices if m.name != "embed" or shape.tied)
    joule = read * base.rom.bit_lines * c["ones"] * c["bit_line_charge"] * 1e-12 * c["supply"]
    g = "speed and energy"
    bank = ("precharge", "word_line", "bit_line")
    return [
        Line(g, "clock", hertz / 1e6, "MHz", "1 / (2 max(precharge, word_line + bit_line))", bank),
        Line(g, "cycles of ROM rows", rows, "", "for each matrix, the most rows that one engine of a die reads, one a cycle"),
        Line(g, "cycles of attention", attention, "", f"2 * {shape.layers} * {shape.q_dim} * {context} / {base.attention_lanes} lanes, at the last position"),
        Line(g, "cycles between dies", dies * hop, "", f"{dies} hops of {shape.dim} * 2 bytes / {base.link_bytes} a cycle"),
        Line(g, "cycles a token", cycles, "", "sum of the three"),
        Line(g, "tokens/s of one stream", hertz / cycles, "1/s", "clock / cycles a token"),
        Line(g, "tokens/s pipelined", hertz / slowest, "1/s", f"clock / {slowest:.0f} cycles of the slowest die; {dies} streams share the key/value memory"),
        Line(g, "ROM energy a token", joule * 1e3, "mJ", f"{read} rows * {base.rom.bit_lines} bit lines * ones * bit_line_charge * supply", ("ones", "bit_line_charge", "supply")),
    ]  # fmt: skip


def _single_die(
    model: str, shape: Shape, base: PlannedBase, mapping: Mapping, c: Table[str, float]
) -> tuple[str, ...]:
    banks_mm2 = _areas(base, c)["banks"][0] / base.rom.banks
    need = sum(m.passes * m.rows_a_pass for m in mapping.matrices)
    rom_mm2 = need / (base.rom.word_lines * base.rom.mux) * banks_mm2
    field = c["field_width"] * c["field_height"]
    layer = sum(m.passes * m.rows_a_pass for m in mapping.matrices if m.name.startswith("layers.0."))
    rest = need - shape.layers * layer
    room = (base.rom.rows - rest) // layer
    out = []
    if len(mapping.dies) > 1:
        if rom_mm2 > field:
            out.append(
                f"One die cannot hold {model}: its ROM alone, without any logic, takes {rom_mm2:.0f} mm2, and"
                f" the largest field that a stepper exposes is {field:g} mm2: {rom_mm2 / field:.1f} times too much."
            )
        elif need > base.rom.rows:
            out.append(
                f"One die of {base.name} does not hold {model}: {need} ROM rows, {base.rom.rows} are there."
            )
        else:
            most = base.kv_bits // (2 * shape.layers * shape.kv_dim * KV_BITS)
            out.append(
                f"The ROM of {model} fits on one die of {base.name}, its keys and values for this context do"
                f" not: --context {most} or less would."
            )
    else:
        out.append(f"{model} fits on one die of {base.name}: {need} of {base.rom.rows} ROM rows.")
    weights = base.rom.rows * base.engine_columns
    out.append(
        f"The largest model for one die of {base.name} has about {weights / 1e6:.3g} million weights of 4 bits."
    )
    out.append(
        f"Of {model}, one die holds {max(room, 0)} layers with embedding and head"
        if room >= 1
        else f"Of {model}, one die holds {base.rom.rows / layer:.2f} layers and neither embedding nor head"
    )
    fitting = [n for n, k in KNOWN.items() if _alone(k.shape, base)]
    out[-1] += f"; of the known models it holds {', '.join(fitting) or 'none'}."
    return tuple(out)


def _alone(shape: Shape, base: PlannedBase) -> bool:
    try:
        context = max(1, min(base.context, base.kv_bits // (2 * shape.layers * shape.kv_dim * KV_BITS)))
        return len(place(shape, base, context).dies) == 1
    except FlowError:
        return False
