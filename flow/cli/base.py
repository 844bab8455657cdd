"""`sc-flow base`: what is made once for a base, and shipped with it."""

__all__ = ["base"]

from pathlib import Path

import click

from rtl_gen.errors import ExitCode, FlowError

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
    help="Stop when the logic is mapped to cells: builds then simulate it, and draw its memories alone.",
)
def build(name: str, work: Path | None, out: Path | None, jobs: int, last: str | None) -> None:
    """Place and route tile NAME with OpenROAD; machines without it take it from the artifact."""
    from base_chip.harden.artifact import HardenedTile
    from flow.files import disk_faults
    from flow.hardening.blocks import load_block
    from flow.hardening.run import harden
    from flow.lock import build_lock

    work = (work or Path("build", name)).absolute()
    out = out or HardenedTile.home(name)
    with build_lock(work), disk_faults(work), disk_faults(out):
        block, rtl = load_block(name)
        harden(block, rtl, work, out, jobs=jobs, say=click.echo, to_synthesis=last is not None)
    size = sum(p.stat().st_size for p in out.iterdir())
    click.echo(f"{out}: {size / 1e6:.1f} MB")


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
    from base_chip.dies import die_file, known_dies, load_die
    from flow.files import atomic_write
    from flow.stitching.new import floorplan_text, new_floorplan

    if name in known_dies():
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
        from flow.stitching.run import told
        from flow.stitching.tile import check_tile

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
