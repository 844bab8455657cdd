"""Leaves out of a Magic technology the design rules of layers that a layout does not have.

No shape can break them. But Magic looks around each piece of its work as far as the rule that reaches
furthest, which on sky130 is one of redistribution metal (20 um), and spends a quarter of its time there.
"""

__all__ = ["without_absent"]

import re
from collections.abc import Collection, Mapping
from pathlib import Path

import klayout.db as kdb

from rtl_gen.errors import FlowError

Layer = tuple[int, int]


def without_absent(
    tech: Path, layout: Path, rules: Mapping[str, Collection[Layer]], out: Path
) -> tuple[Path, list[str]]:
    """A technology that fits a layout.

    Args:
        tech: Magic technology file.
        layout: GDS or OASIS.
        rules: By name, as it stands in brackets at the end of the rule's message: all layers of which a shape
            could break it.
        out: The file to write.

    Returns:
        The file to use, `tech` itself if no rule can go, and the names of the rules that are left out.

    Raises:
        FlowError: The layout cannot be read, or a rule is not found once in the file.
    """
    present = _present(layout)
    absent = sorted(name for name, layers in rules.items() if not present & set(layers))
    if not absent:
        return tech, []
    text = tech.read_text("utf-8")
    for name in absent:
        rule = rf'^[ \t]*(?:width|spacing|surround)\b[^\n"]*"[^\n"]*\({re.escape(name)}\)"[ \t]*\n'
        text, count = re.subn(rule, "", text, flags=re.M)
        if count != 1:
            raise FlowError(
                f"design rule {name} is there {count} times, expected once",
                where=str(tech),
                hint="The technology has changed: correct magic_absent in the PDK's checks.yaml.",
            )
    out.write_text(text, "utf-8")
    return out, absent


def _present(path: Path) -> set[Layer]:
    """Layers that have shapes or texts."""
    layout = kdb.Layout()
    try:
        layout.read(str(path))
    except RuntimeError as e:
        raise FlowError(f"not a layout, or damaged ({e})", where=str(path), hint="Build it again.") from e
    found = set()
    for index in layout.layer_indexes():
        if any(not cell.shapes(index).is_empty() for cell in layout.each_cell()):
            info = layout.get_info(index)
            found.add((info.layer, info.datatype))
    return found
