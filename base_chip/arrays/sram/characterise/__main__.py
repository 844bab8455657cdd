"""`python -m base_chip.arrays.sram.characterise`: reads and writes of an SRAM macro, and its margins."""

import sys
from pathlib import Path

import click

from base_chip.arrays.sram.characterise.deck import START_NS, SramDeck, sizes
from base_chip.arrays.sram.characterise.mismatch import WORST, cell_margin
from base_chip.arrays.sram.spec import SramSpec
from base_chip.bank.characterise.corners import corners
from base_chip.bank.characterise.models import model_text
from base_chip.bank.characterise.ngspice import measure
from rtl_gen.errors import FlowError

_LOW_NS = {"ss": 32.0, "tt": 12.0, "ff": 8.0}  # for which clk is low in a simulation
_SLEW_NS, _LOAD_FF = 0.5, 30.0
_TIMES = ("ev", "word", "line", "read", "sensed", "charge", "written", "closed")


@click.command()
@click.option(
    "--library",
    type=click.Path(path_type=Path),
    required=True,
    help="Device library of the kit, which holds cells and models; `sc-flow pdk list` shows where they are.",
)
@click.option("--words", default=256, show_default=True)
@click.option("--bits", default=128, show_default=True)
@click.option("--samples", default=10, show_default=True, help="Of every margin; 1,000 take 12 minutes each.")
def main(library: Path, words: int, bits: int, samples: int) -> None:
    """Simulate a read and a write in all corners, and mismatch where it is worst, with ngspice."""
    try:
        spec = SramSpec(words, bits)
        for corner in corners(spec.pdk).values():
            models = model_text(spec.array, library, corner.process, sizes())
            deck, low = SramDeck(spec, corner, True, models), _LOW_NS[corner.process]
            for kind, cycle in (
                ("read", lambda stop, d=deck, t=low: d.read(_SLEW_NS, _LOAD_FF, t, stop)),
                ("write", lambda stop, d=deck, t=low: d.write(_SLEW_NS, t, stop)),
            ):
                found = measure(cycle, START_NS + 2 * low)
                times = ", ".join(f"{name} {found[name] * 1e9:.2f} ns" for name in _TIMES if name in found)
                energy = f"; {-found['energy'] * corner.volts * 1e12:.0f} pJ" if "energy" in found else ""
                click.echo(f"{corner.name} {kind}: {times}{energy}")
        for kind, process, volts, celsius in WORST:
            margin = cell_margin(spec, kind, library, process, volts, celsius, samples)
            mean, sigma = margin.volts.mean(), margin.volts.std(ddof=1)
            told = f"{mean:.3f} V, sigma {sigma * 1000:.1f} mV: {margin.sigmas:.1f} sigma"
            click.echo(f"{kind} {process} {volts} V {celsius} C: {told} of {samples}")
    except FlowError as e:
        click.echo(f"error: {e}", err=True)
        sys.exit(e.code)


main()
