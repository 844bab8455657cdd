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
@click.option("--window", nargs=4, type=Finite(), metavar="L B R T", help="Part of the chip to draw, in um.")
def show(
    build: Path | None, png: Path | None, width: int, window: tuple[float, float, float, float] | None
) -> None:
    """Open a build's chip (build/NAME; the latest, unless given) in KLayout, with layer names."""
    from flow.show import chip_of, latest_build, open_viewer, write_png

    if window and not (window[0] < window[2] and window[1] < window[3]):
        raise FlowError(
            f"--window {' '.join(f'{x:g}' for x in window)} holds nothing", code=ExitCode.USAGE,
            hint="Give left, bottom, right and top in um: left below right, bottom below top.",
        )  # fmt: skip
    chip = chip_of(build or latest_build(Path("build")))
    if png is None:
        open_viewer(chip)
    else:
        write_png(chip, png, width=width, window=window)
        click.echo(f"{png}: {chip.layout.name}")
