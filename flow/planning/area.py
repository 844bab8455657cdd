"""Area of a die and of its parts, fields, masks and wafers."""

__all__ = ["area_lines", "bank_mm2", "mask_lines"]

import math
from collections.abc import Mapping as Table

from base_chip.planned import PlannedBase
from flow.planning.lines import Line

Part = tuple[float, str, tuple[str, ...]]  # mm2, formula, constants


def bank_mm2(base: PlannedBase) -> tuple[float, str]:
    """Area of a bank, and its size in words."""
    from base_chip.bank.plan import BankPlan
    from base_chip.bank.spec import BankSpec

    plan = BankPlan(BankSpec.of(base.rom, base.pdk))
    return plan.width * plan.height / 1e12, f"{plan.width / 1000:g} x {plan.height / 1000:g} um"


def _parts(base: PlannedBase, c: Table[str, float]) -> dict[str, Part]:
    rom, b = base.rom, base.banks
    bank, size = bank_mm2(base)
    bit = bank * 1e6 / (rom.word_lines * rom.bit_lines)
    cells = (rom.word_lines * c["word_line_cell"] + rom.bits * c["bit_cell"]) / c["cells_in_strip"]
    logic = c["utilisation"] * 1e6
    inner = math.prod(d - 2 * base.edge for d in base.die)
    return {
        "banks": (
            rom.banks * bank,
            f"{rom.banks} of {size}: {bit:.3f} um2 a bit with taps, precharge and straps (docs/bank.md)",
            (),
        ),
        "strips beside banks": (
            rom.banks * (b.pitch[0] * b.pitch[1] / 1e6 - bank),
            f"pitch {b.pitch[0]:g} x {b.pitch[1]:g} um less the bank; {cells:.0f} um2 of it are"
            f" ({rom.word_lines} word_line_cell + {rom.bits} bit_cell) / cells_in_strip",
            ("word_line_cell", "bit_cell", "cells_in_strip"),
        ),
        "engines": (
            base.engines * base.engine_columns * c["column"] / logic,
            f"{base.engines} * {base.engine_columns} * column / utilisation",
            ("column", "utilisation"),
        ),
        "attention": (
            base.attention_lanes * c["column"] / logic,
            f"{base.attention_lanes} lanes * column / utilisation",
            ("column", "utilisation"),
        ),
        "control": (c["control"] / logic, "control / utilisation", ("control", "utilisation")),
        "key/value memory": (base.kv_bits * c["kv_bit"] / 1e6, f"{base.kv_bits} * kv_bit", ("kv_bit",)),
        "activation memory": (
            base.activation_bits * c["kv_bit"] / 1e6,
            f"{base.activation_bits} * kv_bit",
            ("kv_bit",),
        ),
        "edge": (
            (base.die[0] * base.die[1] - inner) / 1e6,
            f"{base.edge:g} um on every side: seal ring, pads, power ring",
            (),
        ),
    }


def area_lines(base: PlannedBase, dies: int, c: Table[str, float]) -> list[Line]:
    """The parts of a die, what they spare, and all dies together; mm2."""
    parts, die = _parts(base, c), base.die[0] * base.die[1] / 1e6
    spared = die - sum(v for v, _, _ in parts.values())
    g = "area of a die"
    return [
        *(Line(g, name, v, "mm2", formula, uses) for name, (v, formula, uses) in parts.items()),
        Line(g, "spared", spared, "mm2", "die less all of the above: wiring, clock, decoupling"),
        Line(g, "die", die, "mm2", f"{base.die[0] / 1000:g} x {base.die[1] / 1000:g} mm"),
        Line(g, "all dies", dies * die, "mm2", f"{dies} * die"),
    ]


def mask_lines(base: PlannedBase, dies: int, c: Table[str, float]) -> list[Line]:
    """Fields of a stepper, wafers, and the masks that a model changes."""
    die = base.die[0] * base.die[1] / 1e6
    width, height = c["field_width"], c["field_height"]
    in_field = int(width * 1000 // base.die[0]) * int(height * 1000 // base.die[1])
    fields = -(-dies // in_field) if in_field else dies
    d = c["wafer_diameter"] - 2 * c["wafer_edge"]
    in_wafer = math.floor(math.pi * d * d / 4 / die - math.pi * d / math.sqrt(2 * die))
    masks = c["program_masks"]
    g = "masks and wafers"
    return [
        Line(g, "dies a field", in_field, "", f"{width} x {height} mm", ("field_width", "field_height")),
        Line(g, "fields", fields, "", "dies / dies a field"),
        Line(
            g, "dies a wafer", in_wafer, "",
            "pi d^2 / (4 die) - pi d / sqrt(2 die), d = wafer_diameter - 2 wafer_edge",
            ("wafer_diameter", "wafer_edge"),
        ),
        Line(g, "wafers a model", dies / in_wafer, "", "dies / dies a wafer; without yield"),
        Line(
            g, "masks changed", masks, f"of {c['masks']}",
            "via2 alone tells one die, and one model, from another", ("masks", "program_masks"),
        ),
        Line(
            g, "program masks", masks * fields, "",
            "one a field; the others are shared by all dies of all models",
        ),
    ]  # fmt: skip
