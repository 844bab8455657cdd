"""`sc-flow diff`."""

__all__ = ["diff"]

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rtl_gen.errors import printable

if TYPE_CHECKING:
    from rich.table import Table

    from flow.diff import BuildDiff
    from metal_configs.diff import Change


@click.command()
@click.argument("first", type=click.Path(path_type=Path))
@click.argument("second", type=click.Path(path_type=Path))
@click.option("--png", type=click.Path(path_type=Path), help="Write a map of the sites that change.")
@click.option("--json", "as_text", is_flag=True, help="Print everything as JSON.")
def diff(first: Path, second: Path, png: Path | None, as_text: bool) -> None:
    """Compare two builds on one base: masks that differ, vias added and removed by bank and matrix."""
    from flow.diff import as_json, compare
    from flow.heat_map import draw_heat_map
    from flow.progress import result_console

    found = compare(first, second)
    if png is not None:
        draw_heat_map(png, found)
    if as_text:
        click.echo(json.dumps(as_json(found), indent=1))
        return
    a, b = found.models
    on = f", {len(found.dies)} dies" if len(found.dies) > 1 else ""
    click.echo(printable(f"{a} -> {b} on {found.base}{on}"))
    names = ", ".join(f"{x}/{y}" for x, y in found.differ) or "none"
    click.echo(f"layers that differ: {names}; masks reused: {found.reused} of {len(found.layers)}")
    result_console().print(_table(found))
    if png is not None:
        click.echo(f"{png}: added blue, removed red, kept grey")


def _table(found: "BuildDiff") -> "Table":
    """ROM macros of each die in which there is a via; the sum by matrix, table and program; all."""
    from rich.markup import escape
    from rich.table import Table

    table = Table()
    for name in ("", "added", "removed", "kept"):
        table.add_column(name, justify="right" if name else "left")

    def add(name: str, change: "Change") -> None:
        table.add_row(escape(printable(name)), str(change.added), str(change.removed), str(change.kept))

    several = len(found.dies) > 1
    for n, die in enumerate(found.dies):
        for name, change in die.used:
            add(f"die {n} {name}" if several else name, change)
        if several:
            add(f"die {n}", die.metal.total)
        table.add_section()
    for block in found.blocks:
        name = escape(printable(f"{block.name} ({block.kind})"))
        table.add_row(name, str(block.added), str(block.removed), "")
    table.add_section()
    add("all", found.total)
    return table
