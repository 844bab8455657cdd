"""`python -m base_chip.arrays.characterise.margins`: memories under mismatch, where margins are least."""

import itertools
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import click
import numpy as np

from base_chip.arrays.characterise.mismatch import read_margin, sigmas
from base_chip.arrays.spec import RomSpec
from base_chip.arrays.sram.characterise.mismatch import KINDS as CELL
from base_chip.arrays.sram.characterise.mismatch import cell_margin
from base_chip.arrays.sram.spec import SramSpec
from base_chip.bank.characterise.corners import corners
from rtl_gen.errors import FlowError

Where = tuple[str, float, float]  # process, supply in V, degC
Measure = Callable[[Path, Where, int, int], np.ndarray]  # device library, where, samples, seed: margins in V

# The first letter of two is that of p transistors, as the kit has it.
PROCESSES = ("ss", "tt", "ff", "sf", "fs")
SUPPLIES = tuple(itertools.product((1.40, 1.95), (-40.0, 100.0)))


def _rom(mux: int) -> Measure:
    def measure(library: Path, where: Where, samples: int, seed: int) -> np.ndarray:
        process, volts, celsius = where
        spec = RomSpec(256, 128, mux=mux)
        of_pdk = next(iter(corners(spec.pdk).values()))
        corner = replace(of_pdk, name=_named(where), process=process, volts=volts, celsius=celsius)
        found = read_margin(spec, corner, library, samples, seed)
        return np.asarray((found.trip - found.reached) * volts)

    return measure


def _sram(kind: str) -> Measure:
    def measure(library: Path, where: Where, samples: int, seed: int) -> np.ndarray:
        return cell_margin(SramSpec(), kind, library, *where, samples, seed=seed).volts

    return measure


MARGINS = {"rom": _rom(1), "rom_mux4": _rom(4)} | {f"sram_{kind}": _sram(kind) for kind in CELL}


@click.command()
@click.option(
    "--library",
    type=click.Path(path_type=Path),
    required=True,
    help="Device library of the kit, which holds cells and models; `sc-flow pdk list` shows where they are.",
)
@click.option("--kind", "kinds", type=click.Choice(list(MARGINS)), multiple=True, help="All by default.")
@click.option("--tried", default=10, show_default=True, help="Samples in each corner, to find the weakest.")
@click.option("--samples", default=1000, show_default=True, help="Samples in the weakest corner.")
def main(library: Path, kinds: tuple[str, ...], tried: int, samples: int) -> None:
    """Try every corner with a few samples, then simulate many where the margin has the fewest sigmas."""
    try:
        for kind in kinds or MARGINS:
            found = {}
            for process, (volts, celsius) in itertools.product(PROCESSES, SUPPLIES):
                where = process, volts, celsius
                found[where] = MARGINS[kind](library, where, tried, 1)
                click.echo(told(kind, where, found[where]))
            weakest = min(found, key=lambda where: sigmas(found[where]))
            click.echo(told(kind, weakest, MARGINS[kind](library, weakest, samples, 1001)))
    except FlowError as e:
        click.echo(f"error: {e}", err=True)
        sys.exit(e.code)


def told(kind: str, where: Where, volts: np.ndarray) -> str:
    """Samples in one line."""
    spread = f"{volts.mean():.3f} V, sigma {volts.std(ddof=1) * 1000:.1f} mV, least {volts.min():.3f} V"
    return f"{kind} {_named(where)}: {spread}: {sigmas(volts):.1f} sigma of {len(volts)}"


def _named(where: Where) -> str:
    process, volts, celsius = where
    return f"{process} {volts:.2f} V {celsius:g} C"


if __name__ == "__main__":
    main()
