"""`sc-flow base`: what is made once for a base, and shipped with it."""

__all__ = ["base"]

from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from rtl_gen.errors import ExitCode, FlowError

if TYPE_CHECKING:
    from flow.hardening.sweep import Row, Sweep

MOST_FAULTS = 20  # of a floorplan: one wrong size makes thousands that follow from it


@click.group()
def base() -> None:
    """Make, check and stitch base chips: the parts that are the same for every model."""


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
@click.option("-j", "--jobs", type=click.IntRange(1, 64), default=2, show_default=True, help="Threads.")
@click.option(
    "--to",
    "last",
    type=click.Choice(["synthesis"]),
    help="Stop when the logic is mapped to cells: builds then simulate it, and draw the banks alone.",
)
def build(name: str, work: Path | None, out: Path | None, jobs: int, last: str | None) -> None:
    """Place and route base or tile NAME with OpenROAD; machines without it take it from the artifact."""
    from base_chip.harden.artifact import HardenedBase
    from flow.files import disk_faults
    from flow.hardening.blocks import load_block
    from flow.hardening.run import harden
    from flow.lock import build_lock

    work = (work or Path("build", name)).absolute()
    out = out or HardenedBase.home(name)
    with build_lock(work), disk_faults(work), disk_faults(out):
        block, rtl = load_block(name)
        harden(block, rtl, work, out, jobs=jobs, say=click.echo, to_synthesis=last is not None)
    size = sum(p.stat().st_size for p in out.iterdir())
    click.echo(f"{out}: {size / 1e6:.1f} MB")


@base.command()
@click.argument("name")
@click.option(
    "--work",
    type=click.Path(path_type=Path),
    help="Folder of the syntheses, build/<NAME>/sweep by default.",
)
@click.option(
    "-j", "--jobs", type=click.IntRange(1, 64), default=1, show_default=True, help="Syntheses at once."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def sweep(name: str, work: Path | None, jobs: int, as_json: bool) -> None:
    """Compare the ways to split the ROM of base NAME into banks, by area with the cells around them."""
    from base_chip.config import load_base
    from flow.files import disk_faults
    from flow.hardening.sweep import sweep as measure
    from flow.lock import build_lock

    config = load_base(name)
    work = (work or Path("build", name, "sweep")).absolute()
    with build_lock(work), disk_faults(work):
        found = measure(config, work, jobs=jobs, say=lambda line: click.echo(line, err=True))
    if as_json:
        click.echo(found.to_json())
    else:
        print_sweep(found)


@base.command()
@click.argument("name")
@click.option("--like", required=True, help="Known base of tiles; all that is not asked for is as there.")
@click.option("--rom", type=int, required=True, help="Number of rom tiles.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="File to write; by default where builds look for bases of tiles.",
)
def new(name: str, like: str, rom: int, out: Path | None) -> None:
    """Write the floorplan of a new base of tiles, NAME, in which all tiles have room."""
    from base_chip.config import known_bases
    from base_chip.dies import die_file, known_dies, load_die
    from flow.files import atomic_write
    from flow.stitching.new import floorplan_text, new_floorplan

    if name in (*known_bases(), *known_dies()):
        raise FlowError(f"there is a base {name} already", code=ExitCode.USAGE, hint="Choose another name.")
    die = new_floorplan(name, load_die(like), rom)
    out = out or die_file(name)
    if out.exists():
        raise FlowError(
            "there is such a file", where=str(out), code=ExitCode.OUTPUT, hint="Choose another with --out."
        )
    atomic_write(out, floorplan_text(die, like).encode())
    (x, y), grid = die.die, f"{die.rom.rows} x {die.rom.columns} rom, {die.ram.rows} x {die.rom.columns} ram"
    click.echo(
        f"{out}: {x:g} x {y:g} um, {x * y / 1e6:.2f} mm2; {grid}, {die.vecs} vec; {die.weights:,} weights"
    )


@base.command()
@click.argument("name")
@click.option("--strict", is_flag=True, help="What could not be looked at is a fault, too.")
@click.option("--all", "everything", is_flag=True, help=f"List every fault, not the first {MOST_FAULTS}.")
def check(name: str, strict: bool, everything: bool) -> int:
    """Say what is wrong with NAME: where a base of tiles, or its file, does not meet; or a hardened tile."""
    from base_chip.tiles import known_tiles
    from flow.stitching.check import check_die, find_die

    if name in known_tiles():
        from flow.stitching.inside import check_tile
        from flow.stitching.run import told

        rows = check_tile(name)
        click.echo("\n".join(told(rows)))
        return int(any(row.status == "fail" or (strict and row.status != "pass") for row in rows))
    die = find_die(name)
    found = check_die(die)
    listed = found.faults if everything else found.faults[:MOST_FAULTS]
    for line in listed:
        click.echo(f"fault: {line}")
    if more := len(found.faults) - len(listed):
        click.echo(f"... and {more:,} more faults; --all lists them")
    for line in found.unseen:
        click.echo(f"not looked at: {line}")
    click.echo(f"{die.name}: {len(found.faults)} faults; {found.looked_at}")
    return int(bool(found.faults or (strict and found.unseen)))


@base.command()
@click.argument("name")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder of the files, build/<NAME>/stitched by default."
)
@click.option("--seams", is_flag=True, help="Check the seams, too: design rules, LVS, timing, power grid.")
def stitch(name: str, out: Path | None, seams: bool) -> int:
    """Stitch NAME, a base of tiles or a file, or four of tile NAME: layout, netlist, LEF, SDC, pictures."""
    from flow.stitching.run import stitch_base

    rows = stitch_base(name, out, seams=seams, say=click.echo)
    return int(any(row.status == "fail" for row in rows))


def print_sweep(found: "Sweep") -> None:
    """Print a sweep as a table."""
    rom = found.own.split.rom
    table = Table(
        title=f"{found.base}: {rom.rows} rows of {rom.bits} bits; areas in um2", box=None, pad_edge=False
    )
    table.title_justify = "left"
    heads = ["banks", "word\nlines", "mux", "bit\nlines", "a bank\num", "all\nbanks", "decoders", "drivers"]
    heads += [
        "columns",
        "samplers",
        "total",
        "a\nbit",
        "with\nmacros",
        "a\nbit",
        *(f"read ns\n{c}" for c in found.own.read_ns),
    ]
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for row in found.rows:
        marks = [mark for mark, one in (("base", found.own), ("smallest", found.smallest)) if row is one]
        table.add_row(*_cells(row), ", ".join(marks), style="bold" if marks else None)
    console = Console(highlight=False)
    # Lines that the terminal breaks are better than numbers cut short.
    whole = Measurement.get(console, console.options.update(max_width=1000), table).maximum
    console.width = max(console.width, whole)
    console.print(table)
    console.print("all banks: with halos; read: word line to bit line, - where the bank was not simulated")
    console.print(
        "with macros: ROM macros in place of banks, drivers and samplers, - where none can be drawn"
    )


def _cells(row: "Row") -> list[str]:
    rom, cells = row.split.rom, row.periphery
    width, height = row.size_um
    macros = row.total_with_macros
    areas = row.banks, cells.decoders, cells.drivers, cells.columns, cells.samplers, row.total
    return [
        *(str(n) for n in (rom.banks, rom.word_lines, rom.mux, rom.bit_lines)),
        f"{width:.1f} x {height:.1f}",
        *(f"{area:,.0f}" for area in areas),
        f"{row.um2_per_bit:.3f}",
        *(["-", "-"] if macros is None else [f"{macros:,.0f}", f"{macros / row.bits:.3f}"]),
        *("-" if ns is None else f"{ns:.1f}" for ns in row.read_ns.values()),
    ]
