"""`sc-flow build`."""

__all__ = ["build"]

from pathlib import Path

import click
from rich.console import Console


@click.command()
@click.option("--model", required=True, help="A known model's name, or the path of a checkpoint.")
@click.option("--weights", type=click.Path(path_type=Path), help="The checkpoint of a known model.")
@click.option("--pdk", default="sky130", show_default=True)
@click.option("--base", default="nano", show_default=True, help="Base chip.")
@click.option("--from", "first", metavar="STEP", help="Run STEP and what depends on it, changed or not.")
@click.option("--to", "last", metavar="STEP", help="Stop after STEP.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("build"), show_default=True)
@click.option("--prompt", default="", help="What the chip is to continue.")
@click.option("--seed", type=click.IntRange(1, 2**31), default=1, show_default=True, help="Of the sampling.")
@click.option(
    "--temperature",
    type=click.FloatRange(0, 32),
    default=0.8,
    show_default=True,
    help="Of the sampling; 0 takes the likeliest token.",
)
@click.option(
    "--words", type=click.IntRange(1, 1000), default=3, show_default=True, help="Words to generate."
)
@click.option("--strict", is_flag=True, help='Let a check that did not run ("not run") fail the build.')
@click.option("--jobs", type=click.IntRange(1, 64), default=2, show_default=True, help="Steps at a time.")
def build(
    model: str,
    weights: Path | None,
    pdk: str,
    base: str,
    first: str | None,
    last: str | None,
    out: Path,
    prompt: str,
    seed: int,
    temperature: float,
    words: int,
    strict: bool,
    jobs: int,
) -> int:
    """Build a chip for a model, and prove it; what is unchanged since an earlier build is reused."""
    from flow.config import make_config
    from flow.progress import final_table
    from flow.run import run_build

    config = make_config(
        model,
        weights=weights,
        pdk=pdk,
        base=base,
        prompt=prompt,
        seed=seed,
        temperature=temperature,
        words=words,
    )
    outcome = run_build(config, out, first=first, last=last, jobs=jobs)
    final_table(outcome, Console(highlight=False))
    click.echo(f"Results: {out / config.model / 'result.json'}")
    for error, _ in outcome.errors:
        click.echo(f"sc-flow: error: {error}", err=True)
    return outcome.exit_code(strict=strict)
