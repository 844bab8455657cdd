"""`sc-flow steps` and `sc-flow clean`."""

__all__ = ["clean", "steps"]

import shutil
from pathlib import Path

import click

from rtl_gen.errors import FlowError


@click.command()
@click.option("--base", default="nano", show_default=True, help="Of a build on this base.")
@click.option("--closure", is_flag=True, help="Also what of the project each one runs, which its key covers.")
def steps(base: str, closure: bool) -> None:
    """List the steps of a build: what each does, needs and depends on."""
    from flow.closure import Sources
    from flow.graph import steps_on

    graph = steps_on(base)
    found = Sources().of_classes({s.step_name: s for s in graph}) if closure else {}
    for step in graph:
        module = __import__(step.__module__, fromlist=["__doc__"])
        click.echo(f"{step.step_name:12} {(module.__doc__ or '').strip().splitlines()[0]}")
        for label, names in (("needs", step.needs), ("tools", step.tools), ("options", step.config)):
            if names:
                click.echo(f"{'':12}   {label}: {', '.join(names)}")
        if closure:
            runs = found[step.step_name]
            click.echo(f"{'':12}   closure: {runs.digest}")
            told = (f"{n} {v}" for n, v in sorted(runs.libraries.items()))
            click.echo(f"{'':12}   libraries: {', '.join(told)}")
            click.echo(f"{'':12}   {len(runs.files)} files: {' '.join(sorted(runs.files))}")


@click.command()
@click.argument("build", type=click.Path(path_type=Path), required=False)
@click.option("--cache", is_flag=True, help="Remove the cache of finished steps too (not the PDK kit).")
def clean(build: Path | None, cache: bool) -> None:
    """Remove the results of one build (build/NAME), or those of all in ./build."""
    from flow.files import cache_root, disk_faults
    from flow.lock import build_lock

    if build is None:
        builds = sorted(p.parent for p in Path("build").glob("*/.run.json"))
    elif (build / ".run.json").is_file():
        builds = [build]
    else:
        raise FlowError("not a build folder (no .run.json)", where=str(build), hint="Give build/<name>.")
    for folder in builds:
        with build_lock(folder), disk_faults(folder):
            shutil.rmtree(folder)
        click.echo(f"removed {folder}")
    if cache:
        for folder in (cache_root() / "blobs", cache_root() / "steps"):
            shutil.rmtree(folder, ignore_errors=True)
        click.echo(f"removed the cached steps in {cache_root()}")
