"""`sc-flow where`."""

__all__ = ["where"]

import json
from dataclasses import asdict
from pathlib import Path

import click

from flow.cli.numbers import CONTEXT, Finite


@click.command()
@click.argument("weight", required=False)
@click.option(
    "--model", required=True, help="Known model's name, or the path of a config.json or its folder."
)
@click.option("--pdk", default="sky130", show_default=True)
@click.option("--base", help="Dies of tiles; reticle by default.")
@click.option("--context", type=CONTEXT, help="Positions whose keys and values are kept.")
@click.option(
    "--quantised", type=click.Path(path_type=Path), metavar="FILE",
    help="What `sc-flow quantise` wrote, as given to the build.",
)  # fmt: skip
@click.option("--die", type=click.IntRange(0), help="With --at: which die.")
@click.option(
    "--at", nargs=2, type=Finite(), metavar="X Y", help="Instead of a weight: a point of a die, um."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def where(
    weight: str | None,
    model: str,
    pdk: str,
    base: str | None,
    context: int | None,
    quantised: Path | None,
    die: int | None,
    at: tuple[float, float] | None,
    as_json: bool,
) -> None:
    """Say on which die, tile, macro, word line and bit lines WEIGHT lies, such as 'layers.3.down[17,204]'.

    With --die and --at it says what lies at a point.
    """
    from base_chip.dies import load_die
    from flow.chain.config import plan_of
    from flow.chain.ground import ground_of
    from flow.chain.where import at_point, of_weight

    if (weight is None) == (at is None) or (at is None) != (die is None):
        raise click.UsageError("give a weight, such as 'layers.3.down[17,204]', or --die N --at X Y")
    plan = plan_of(model, pdk, base, context, quantised)
    on = ground_of(load_die(plan.base))
    if weight is not None:
        spots = of_weight(plan.placement, on, weight)
    else:
        assert die is not None
        assert at is not None
        spots = [at_point(plan.placement, on, die, *at)]
    if as_json:
        click.echo(json.dumps([asdict(s) | {"tile": s.tile} for s in spots], indent=1))
        return
    click.echo(
        f"{plan.model} on {plan.base} ({len(plan.dies)} dies), context {plan.context}: {spots[0].weight}"
    )
    click.echo("bit   die   tile        macro   word line   bit line          x um          y um")
    for s in spots:
        bit = f"{s.bit:3}" if s.matrix else "  -"
        place = f"{s.tile:10} {s.macro:6} {s.word_line:11} {s.bit_line:10}"
        click.echo(f"{bit} {s.die:5}   {place} {s.x:13.3f} {s.y:13.3f}")
