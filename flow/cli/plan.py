"""`sc-flow plan`."""

__all__ = ["plan", "print_plan"]

from pathlib import Path
from typing import TYPE_CHECKING

import click

from flow.cli.numbers import CONTEXT

if TYPE_CHECKING:
    from flow.planning import Line, Plan

DIES_SHOWN = 6


@click.command()
@click.option(
    "--model", required=True, help="Known model's name, or the path of a config.json or its folder."
)
@click.option("--pdk", default="sky130", show_default=True)
@click.option("--base", default="reticle", show_default=True, help="Dies of tiles.")
@click.option("--context", type=CONTEXT, help="Positions whose keys and values are kept.")
@click.option(
    "--quantised", type=click.Path(path_type=Path), metavar="FILE",
    help="What `sc-flow quantise` wrote: plan with its formats.",
)  # fmt: skip
@click.option("--explore", is_flag=True, help="Compare arrays of tiles for the model (docs/fabric.md).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def plan(
    model: str,
    pdk: str,
    base: str,
    context: int | None,
    quantised: Path | None,
    explore: bool,
    as_json: bool,
) -> None:
    """Say what a model would take: dies, masks, area, memory, speed, energy. Needs no weights."""
    if explore:
        from flow.planning.explore import explore_model, print_exploration

        if quantised:
            raise click.UsageError("--explore takes no --quantised: its formats are fixed (docs/fabric.md)")
        tried = explore_model(model, base, pdk, context)
        if as_json:
            click.echo(tried.to_json())
        else:
            print_exploration(tried)
        return
    from flow.chain.config import plan_of

    found = plan_of(model, pdk, base, context, quantised)
    if as_json:
        click.echo(found.to_json())
    else:
        print_plan(found)


def print_plan(p: "Plan") -> None:
    """Print a plan as text."""
    from base_chip.dies import STATUS

    click.echo(f"{p.model} on base {p.base} ({p.pdk}; {STATUS}), context {p.context}\n")
    for text in p.single_die:
        click.echo(text)
    click.echo("\nmatrix   count   outputs x inputs     bits   laid        weights          ROM bits")
    for m in p.matrices:
        size = f"{m['outputs']} x {m['inputs']}"
        click.echo(
            f"{m['matrix']:8} {m['count']:5}   {size:18} {m['bits']:6} {m['bits_laid']:6}"
            f" {m['weights']:14,} {m['rom_bits']:17,}"
        )
    group = ""
    for x in p.lines:
        if x.group != group:
            click.echo(f"\n{x.group}")
            group = x.group
        click.echo(f"  {x.name:24} {_number(x):>17} {x.unit:5} {x.formula}")
    click.echo("\ndie   rows of ROM   ram rows   holds")
    shown = p.dies if len(p.dies) <= 2 * DIES_SHOWN else p.dies[:DIES_SHOWN]
    for d in shown:
        first, last = d["holds"][0], d["holds"][-1]
        held = f"{first[0]} from output {first[1]} to {last[0]} below {last[2]}"
        click.echo(f"{d['die']:3} {d['rows']:13,} {d['ram_rows']:10,}   {held}")
    if len(shown) < len(p.dies):
        click.echo(f"... {len(p.dies) - len(shown)} more (--json lists all)")
    used = sorted({u for x in p.lines for u in x.uses})
    click.echo("\nconstants")
    for name in used:
        c = p.constants[name]
        click.echo(f"  {name:17} {c.value:>9,} {c.unit:5} {c.source}")
    click.echo(f"\nnot counted: {p.not_counted}")


def _number(x: "Line") -> str:
    return f"{x.value:,.0f}" if x.value == int(x.value) or x.value >= 1e5 else f"{x.value:,.4g}"
