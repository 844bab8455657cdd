"""`sc-flow precheck`."""

__all__ = ["precheck"]

from pathlib import Path

import click

from rtl_gen.errors import ExitCode


@click.command()
@click.argument("build", type=click.Path(path_type=Path), required=False)
@click.option(
    "--fetch", is_flag=True, help="First download cf-precheck's wheel, and unpack two scripts of it."
)
@click.option(
    "--wheels", type=click.Path(path_type=Path), help="First unpack them out of the wheel in this folder."
)
@click.option("--no-drc", is_flag=True, help="Leave the design rules out, which take minutes.")
def precheck(build: Path | None, fetch: bool, wheels: Path | None, no_drc: bool) -> int:
    """Look at a build's chip as a shuttle's precheck does.

    BUILD is build/NAME; the latest, unless given.
    """
    from base_chip.pdk import load_pdk
    from flow.outcome import Outcome
    from flow.precheck import fetch as bring
    from flow.precheck import precheck as look
    from flow.progress import final_table, result_console
    from flow.show import latest_build
    from flow.verify import load_build

    build = build or latest_build(Path("build"))
    if fetch or wheels:
        bring(load_pdk(load_build(build).config.pdk), wheels)
    outcome = Outcome(checks=look(build, drc=not no_drc, say=lambda text: click.echo(text, err=True)))
    final_table(outcome, result_console())
    click.echo(f"Reports: {build / 'precheck'}")
    return int(ExitCode.CHECK_FAILED) if any(c.status == "fail" for c in outcome.checks) else 0
