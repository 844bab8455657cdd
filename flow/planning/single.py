"""Whether one die could do."""

__all__ = ["place", "single_die"]

from collections.abc import Mapping as Table

from base_chip.planned import PlannedBase
from flow.planning.area import bank_mm2
from metal_configs.models import KNOWN
from metal_configs.multi_die import Mapping, map_model
from metal_configs.multi_die.mapping import KV_BITS
from metal_configs.quantise.policy import Format, Policy
from rtl_gen.errors import FlowError
from rtl_gen.golden.shape import Shape


def place(shape: Shape, base: PlannedBase, context: int, forms: Table[str, Format] | None = None) -> Mapping:
    """The mapping that plan and build share; `forms` of every matrix, where they are not the default."""
    return map_model(
        shape,
        forms.__getitem__ if forms else Policy().format_of,
        base.rom,
        columns=base.engine_columns,
        kv_bits=base.kv_bits,
        context=context,
    )


def single_die(
    model: str, shape: Shape, base: PlannedBase, mapping: Mapping, c: Table[str, float]
) -> tuple[str, ...]:
    """Sentences: why one die does not do, or that it does, and what the largest model for one is."""
    need = sum(m.passes * m.rows_a_pass for m in mapping.matrices)
    rom_mm2 = need / (base.rom.word_lines * base.rom.mux) * bank_mm2(base)[0]
    field = c["field_width"] * c["field_height"]
    layers = sum(m.passes * m.rows_a_pass for m in mapping.matrices if m.name.startswith("layers."))
    layer = layers / shape.layers  # their formats may differ
    room = int((base.rom.rows - (need - layers)) // layer)
    out = []
    if len(mapping.dies) > 1:
        if rom_mm2 > field:
            out.append(
                f"One die cannot hold {model}: its ROM alone, without any logic, takes {rom_mm2:.0f} mm2,"
                f" {rom_mm2 / field:.1f} times the largest field that a stepper exposes, {field:g} mm2."
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
        f"The largest model for one die of {base.name} has about {weights / 1e6:.3g} million weights of 4"
        " bits."
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
