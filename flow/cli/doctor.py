"""`sc-flow doctor`."""

__all__ = ["doctor"]

import dataclasses
import json

import click
from rich.console import Console
from rich.table import Table

from base_chip.pdk import load_pdk
from rtl_gen.errors import ExitCode


@click.command()
@click.option(
    "--pdk", "pdk_name", default="sky130", show_default=True, help="PDK whose files are looked for."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(pdk_name: str, as_json: bool) -> int:
    """List tools and PDK files, what each missing one disables, and how to get it."""
    from flow.doctor import examine, missing

    rows = examine(load_pdk(pdk_name))
    lacking = missing(rows)
    if as_json:
        click.echo(json.dumps({"ok": not lacking, "rows": [dataclasses.asdict(r) for r in rows]}, indent=1))
    else:
        table = Table("name", "found", "used for", title="sc-flow doctor", title_justify="left")
        for r in rows:
            state = f"[green]{r.found}" if r.found else "[red]missing" if r.required else "[yellow]not found"
            table.add_row(r.name, state, r.used_for)
        console = Console(highlight=False)
        console.print(table)
        # Under the table, where no column breaks a command in two.
        for r in (r for r in rows if not r.found):
            console.print(f"{r.name}{'' if r.required else ' (optional)'}: {r.fix}", soft_wrap=True)
        if not lacking:
            console.print("Everything that the main build needs is here.")
    return int(ExitCode.MISSING_TOOL) if lacking else 0
