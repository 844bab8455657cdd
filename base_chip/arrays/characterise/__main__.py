"""`python -m base_chip.arrays.characterise`: the command that makes a macro's timing table."""

import sys
from pathlib import Path

import click
import msgspec

from base_chip.arrays.characterise.table import characterise as characterise_rom
from base_chip.arrays.spec import MacroSpec, RomSpec
from base_chip.arrays.sram.characterise.table import characterise as characterise_sram
from base_chip.arrays.sram.spec import SramSpec
from base_chip.arrays.sram.timing import SramCorner
from base_chip.arrays.timing import MacroTiming, RomCorner, timing_file
from rtl_gen.errors import FlowError


@click.command()
@click.option("--kind", type=click.Choice(["rom", "sram"]), default="rom", show_default=True)
@click.option("--pdk", default="sky130", show_default=True)
@click.option(
    "--library",
    type=click.Path(path_type=Path),
    required=True,
    help="Device library of the kit, which holds cells and models; `sc-flow pdk list` shows where they are.",
)
@click.option("--words", default=256, show_default=True)
@click.option("--bits", default=128, show_default=True)
@click.option("--mux", default=1, show_default=True, help="Columns per output of a ROM.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="File; by default where the package looks for it."
)
def main(kind: str, pdk: str, library: Path, words: int, bits: int, mux: int, out: Path | None) -> None:
    """Simulate a memory macro with ngspice in all corners and write its timing."""
    if kind == "sram" and mux != 1:
        raise click.BadParameter("an SRAM has an output per column", param_hint="--mux")
    spec: MacroSpec
    timing: MacroTiming[RomCorner] | MacroTiming[SramCorner]
    try:
        if kind == "rom":
            spec = RomSpec(words, bits, pdk, mux)
            timing = characterise_rom(spec, library, told=click.echo)
        else:
            spec = SramSpec(words, bits, pdk)
            timing = characterise_sram(spec, library, told=click.echo)
    except FlowError as e:
        click.echo(f"error: {e}", err=True)
        sys.exit(e.code)
    out = out or Path(__file__).parents[2] / "pdk" / pdk / timing_file(spec)
    out.write_bytes(msgspec.json.format(msgspec.json.encode(timing), indent=1) + b"\n")
    click.echo(f"wrote {out}")


main()
