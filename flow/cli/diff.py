"""`sc-flow diff`."""

__all__ = ["diff"]

import json
from pathlib import Path

import click

from rtl_gen.errors import printable


@click.command()
@click.argument("first", type=click.Path(path_type=Path))
@click.argument("second", type=click.Path(path_type=Path))
@click.option("--png", type=click.Path(path_type=Path), help="Write a map of the sites that change.")
@click.option("--json", "as_text", is_flag=True, help="Print everything as JSON.")
def diff(first: Path, second: Path, png: Path | None, as_text: bool) -> None:
    """Compare two builds on one base: masks that differ, vias added and removed by bank and matrix."""
    from rich.markup import escape
    from rich.table import Table

    from flow.diff import as_json, compare, draw_heat_map
    from flow.progress import result_console

    found = compare(first, second)
    if png is not None:
        draw_heat_map(png, found.metal)
    if as_text:
        click.echo(json.dumps(as_json(found), indent=1))
        return
    a, b = found.metal.models
    click.echo(printable(f"{a} -> {b} on {found.metal.base}"))
    names = ", ".join(f"{x}/{y}" for x, y in found.differ) or "none"
    click.echo(f"layers that differ: {names}; masks reused: {found.reused} of {len(found.layers)}")
    table = Table()
    for name in ("", "added", "removed", "kept"):
        table.add_column(name, justify="right" if name else "left")
    for k, bank in enumerate(found.metal.banks):
        table.add_row(f"bank {k}", str(bank.added), str(bank.removed), str(bank.kept))
    table.add_section()
    for block in found.blocks:
        table.add_row(
            escape(printable(f"{block.name} ({block.kind})")), str(block.added), str(block.removed), ""
        )
    total = found.metal.total
    table.add_section()
    table.add_row("all", str(total.added), str(total.removed), str(total.kept))
    result_console().print(table)
    if png is not None:
        click.echo(f"{png}: added blue, removed red, kept grey")
