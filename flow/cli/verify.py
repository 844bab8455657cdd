"""`sc-flow verify` and `sc-flow reproduce`."""

__all__ = ["reproduce", "verify"]

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from flow.verify import Finding


@click.command()
@click.argument("build", type=click.Path(path_type=Path))
@click.option("--rerun", is_flag=True, help="Run every check again, with the tools of this machine.")
def verify(build: Path, rerun: bool) -> int:
    """Check a finished build that somebody else made: hashes, rows, and the ROM read back again."""
    from flow.verify import verify as look

    return _shown(look(build, rerun=rerun, say=lambda text: click.echo(text, err=True)))


@click.command()
@click.argument("build", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("build/again"), show_default=True,
    help="Folder for the second build.",
)  # fmt: skip
@click.option("--jobs", type=click.IntRange(1, 64), default=2, show_default=True, help="Steps at a time.")
def reproduce(build: Path, out: Path, jobs: int) -> int:
    """Build again what somebody else built, and compare every output byte for byte."""
    from flow.reproduce import reproduce as again

    return _shown(again(build, out, jobs=jobs))


def _shown(found: "Sequence[Finding]") -> int:
    """Print findings as a table; returns the exit status."""
    from rich.markup import escape
    from rich.table import Table

    from flow.progress import COLOUR, result_console
    from rtl_gen.errors import ExitCode, printable

    table = Table("looked at", "result", "")
    for f in found:
        table.add_row(f.name, f"[{COLOUR[f.status]}]{f.status}", escape(printable(f.detail)))
    result_console().print(table)
    return int(ExitCode.CHECK_FAILED) if any(f.status == "fail" for f in found) else 0
