"""`sc-flow base`: what is made once for a base, and shipped with it."""

__all__ = ["base"]

from pathlib import Path

import click


@click.group()
def base() -> None:
    """Make the parts of a base chip that are fixed and shipped."""


@base.command()
@click.argument("name")
@click.option(
    "--work",
    type=click.Path(path_type=Path),
    help="Folder of the run, build/<NAME> by default; steps in it that have ended are not run again.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder for the artifact; by default the one that builds take it from.",
)
@click.option("-j", "--jobs", default=2, show_default=True, help="Threads.")
@click.option(
    "--to",
    "last",
    type=click.Choice(["synthesis"]),
    help="Stop when the logic is mapped to cells: builds then simulate it, and draw the banks alone.",
)
def build(name: str, work: Path | None, out: Path | None, jobs: int, last: str | None) -> None:
    """Place and route base NAME with OpenROAD; machines without it then build chips from the artifact."""
    from base_chip.config import load_base
    from base_chip.harden.artifact import HardenedBase
    from flow.files import disk_faults
    from flow.hardening.run import harden
    from flow.lock import build_lock
    from rtl_gen.tile import tile_verilog

    config = load_base(name)
    work = (work or Path("build", name)).absolute()
    rtl = tile_verilog(config.core())
    out = out or HardenedBase.home(name)
    with build_lock(work), disk_faults(work), disk_faults(out):
        harden(config, rtl, work, out, jobs=jobs, say=click.echo, to_synthesis=last is not None)
    size = sum(p.stat().st_size for p in out.iterdir())
    click.echo(f"{out}: {size / 1e6:.1f} MB")
