"""`python -m base_chip.arrays.sram.characterise.margins`: an SRAM cell's margins where it is weakest."""

import itertools
import sys
from pathlib import Path

import click

from base_chip.arrays.sram.characterise.mismatch import KINDS, CellMargin, cell_margin
from base_chip.arrays.sram.spec import SramSpec
from rtl_gen.errors import FlowError

PROCESSES = (
    "ss",
    "tt",
    "ff",
    "sf",
    "fs",
)  # the first letter of two is that of p transistors, as the kit has it
SUPPLIES = tuple(itertools.product((1.40, 1.95), (-40.0, 100.0)))


@click.command()
@click.option(
    "--library",
    type=click.Path(path_type=Path),
    required=True,
    help="Device library of the kit, which holds cells and models; `sc-flow pdk list` shows where they are.",
)
@click.option("--kind", "kinds", type=click.Choice(list(KINDS)), multiple=True, help="All by default.")
@click.option("--tried", default=10, show_default=True, help="Samples in each corner, to find the weakest.")
@click.option("--samples", default=1000, show_default=True, help="Samples in the weakest corner.")
def main(library: Path, kinds: tuple[str, ...], tried: int, samples: int) -> None:
    """Try every corner with a few samples, then simulate many where the margin has the fewest sigmas."""
    spec = SramSpec()
    try:
        for kind in kinds or KINDS:
            found = {}
            for process, (volts, celsius) in itertools.product(PROCESSES, SUPPLIES):
                where = process, volts, celsius
                margin = found[where] = cell_margin(spec, kind, library, *where, tried)
                click.echo(told(kind, where, margin))
            weakest = min(found, key=lambda where: found[where].sigmas)
            click.echo(told(kind, weakest, cell_margin(spec, kind, library, *weakest, samples, seed=1001)))
    except FlowError as e:
        click.echo(f"error: {e}", err=True)
        sys.exit(e.code)


def told(kind: str, where: tuple[str, float, float], margin: CellMargin) -> str:
    volts = margin.volts
    spread = f"{volts.mean():.3f} V, sigma {volts.std(ddof=1) * 1000:.1f} mV, least {volts.min():.3f} V"
    process, supply, celsius = where
    corner = f"{process} {supply:.2f} V {celsius:g} C"
    return f"{kind} {corner}: {spread}: {margin.sigmas:.1f} sigma of {len(volts)}"


if __name__ == "__main__":
    main()
