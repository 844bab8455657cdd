"""`python -m base_chip.bank.characterise`: the command that makes a bank's timing table."""

import sys
from pathlib import Path

import click

from base_chip.bank.characterise.table import characterise
from base_chip.bank.spec import BankSpec
from base_chip.bank.timing import timing_file
from rtl_gen.errors import FlowError


@click.command()
@click.option("--pdk", default="sky130", show_default=True)
@click.option(
    "--library",
    type=click.Path(path_type=Path),
    required=True,
    help="Device library of the kit, which holds cells and models; `sc-flow pdk list` shows where they are.",
)
@click.option("--word-lines", default=256, show_default=True)
@click.option("--bit-lines", default=256, show_default=True)
@click.option("--fingers", default=4, show_default=True, help="Precharge transistors per bit line.")
@click.option("--jobs", type=int, help="Simulations at a time; one a processor by default.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="File; by default where the package looks for it."
)
def main(
    pdk: str, library: Path, word_lines: int, bit_lines: int, fingers: int, jobs: int | None, out: Path | None
) -> None:
    """Simulate a bank with ngspice in all corners and write its timing."""
    try:
        spec = BankSpec(word_lines, bit_lines, precharge_fingers=fingers, pdk=pdk)
        timing = characterise(spec, library, jobs=jobs, told=click.echo)
    except FlowError as e:
        click.echo(f"error: {e}", err=True)
        sys.exit(e.code)
    out = out or Path(__file__).parents[2] / "pdk" / pdk / timing_file(spec)
    out.write_text(timing.to_json(), "utf-8")
    click.echo(f"wrote {out}")


main()
