"""`python -m base_chip.arrays.sram.characterise`: the timing table of an SRAM macro."""

import sys
from pathlib import Path

import click
import msgspec

from base_chip.arrays.sram.characterise.table import characterise
from base_chip.arrays.sram.spec import SramSpec
from base_chip.arrays.timing import timing_file
from rtl_gen.errors import FlowError


@click.command()
@click.option(
    "--library",
    type=click.Path(path_type=Path),
    required=True,
    help="Device library of the kit, which holds cells and models; `sc-flow pdk list` shows where they are.",
)
@click.option("--words", default=256, show_default=True)
@click.option("--bits", default=128, show_default=True)
@click.option(
    "--out", type=click.Path(path_type=Path), help="File; by default where the package looks for it."
)
def main(library: Path, words: int, bits: int, out: Path | None) -> None:
    """Simulate an SRAM macro with ngspice in all corners and write its timing."""
    try:
        spec = SramSpec(words, bits)
        timing = characterise(spec, library, told=click.echo)
    except FlowError as e:
        click.echo(f"error: {e}", err=True)
        sys.exit(e.code)
    out = out or Path(__file__).parents[3] / "pdk" / spec.pdk / timing_file(spec)
    out.write_bytes(msgspec.json.format(msgspec.json.encode(timing), indent=1) + b"\n")
    click.echo(f"wrote {out}")


main()
