"""`sc-flow verify`."""

__all__ = ["verify"]

from pathlib import Path

import click


@click.command()
@click.argument("build", type=click.Path(path_type=Path))
@click.option("--rerun", is_flag=True, help="Run every check again, with the tools of this machine.")
def verify(build: Path, rerun: bool) -> int:
    """Check a finished build that somebody else made: hashes, rows, and the ROM read back again."""
    from rich.markup import escape
    from rich.table import Table

    from flow.progress import COLOUR, result_console
    from flow.verify import verify as look
    from rtl_gen.errors import ExitCode

    found = look(build, rerun=rerun, say=lambda text: click.echo(text, err=True))
    table = Table("looked at", "result", "")
    for f in found:
        table.add_row(f.name, f"[{COLOUR[f.status]}]{f.status}", escape(f.detail))
    result_console().print(table)
    return int(ExitCode.CHECK_FAILED) if any(f.status == "fail" for f in found) else 0
