"""`sc-flow show`."""

__all__ = ["show"]

from pathlib import Path

import click

from flow.cli.numbers import Finite
from rtl_gen.errors import ExitCode, FlowError


@click.command()
@click.argument("build", type=click.Path(path_type=Path), required=False)
@click.option("--png", type=click.Path(path_type=Path), help="Write a picture instead; needs no display.")
@click.option(
    "--width", type=click.IntRange(64, 8192), default=1600, show_default=True, help="Of the picture."
)
@click.option("--by-matrix", is_flag=True, help="Colour the program vias by matrix, table and program.")
@click.option("--where", metavar="WEIGHT", help="Mark a weight, such as 'layers.3.down[17,204]'.")
@click.option("--die", type=click.IntRange(min=0), help="Which die of a chain; the first by default.")
@click.option("--window", nargs=4, type=Finite(), metavar="L B R T", help="Part of the chip to draw, in um.")
def show(
    build: Path | None,
    png: Path | None,
    width: int,
    by_matrix: bool,
    where: str | None,
    die: int | None,
    window: tuple[float, float, float, float] | None,
) -> None:
    """Open a build's chip in KLayout, with layer names and the markers of failed rows.

    BUILD is build/NAME; the latest, unless given.
    """
    from flow.show import chip_of, coloured_by_matrix, latest_build, open_viewer, write_png

    if window and not (window[0] < window[2] and window[1] < window[3]):
        raise FlowError(
            f"--window {' '.join(f'{x:g}' for x in window)} holds nothing", code=ExitCode.USAGE,
            hint="Give left, bottom, right and top in um: left below right, bottom below top.",
        )  # fmt: skip
    folder = build or latest_build(Path("build"))
    if where is not None:
        from flow.chain.mark import marked

        if by_matrix:
            raise click.UsageError("--where and --by-matrix do not go together")
        if die is not None:
            raise click.UsageError("--where and --die do not go together: the weight tells the die")
        chip, _, around = marked(folder, where)
        window = window or around
    else:
        chip = chip_of(folder, die or 0)
    if by_matrix:
        chip = coloured_by_matrix(chip)
    if png is None:
        open_viewer(chip)
    else:
        write_png(chip, png, width=width, window=window)
        click.echo(f"{png}: {chip.layout.name}")
