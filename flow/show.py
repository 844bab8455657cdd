"""Looking at a finished chip: in KLayout's window, or as a picture."""

__all__ = ["Chip", "chip_of", "coloured_by_matrix", "latest_build", "markers_of", "open_viewer", "write_png"]

import os
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

from base_chip.pdk import Pdk, load_pdk
from flow.files import make_folder
from flow.request import load_run
from flow.result_file import read_result
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.tools import TOOLS, require
from signoff.picture import Extra, draw_png, write_layer_properties


@dataclass(frozen=True)
class Chip:
    """What is shown.

    Attributes:
        build: Folder of the build.
        layout: Layout file.
        pdk: Process that it is made for.
        apart: Layers of the file that only the picture has.
        markers: Marker databases to open with it, besides those of failed rows.
        die: Which of the build's it is.
    """

    build: Path
    layout: Path
    pdk: Pdk
    apart: tuple[Extra, ...] = ()
    markers: tuple[Path, ...] = ()
    die: int = 0


def latest_build(out: Path) -> Path:
    """The build of a folder that was run last."""
    runs = sorted(out.glob("*/.run.json"), key=lambda p: p.stat().st_mtime)
    if not runs:
        raise FlowError(
            "no build there", where=str(out), hint="Run `sc-flow build` first, or name its folder."
        )
    return runs[-1].parent


def chip_of(build: Path, die: int = 0) -> Chip:
    """The chip of a die that a build made; FlowError when it has not got that far, or has no such die."""
    run, layout = build / ".run.json", build / "metal" / f"die{die}" / "chip.oas"
    if not run.is_file() or not layout.is_file():
        last = len(list(build.glob("metal/die*/chip.oas"))) - 1
        if (alone := layout.with_name("metal.oas")).is_file():
            raise FlowError(
                "the dies of this build are planned, so there is no chip, but a metal config alone",
                where=str(alone), hint="`klayout` shows it; `sc-flow where` finds a weight in it.",
            )  # fmt: skip
        raise FlowError(
            f"no die {die} there" if die else f"no chip there ({layout.relative_to(build)})",
            where=str(build),
            hint=f"The last die of the build is {last}."
            if die and last >= 0
            else "Run `sc-flow build`, and give the folder build/<name>.",
        )
    return Chip(build, layout, load_pdk(load_run(run).config.pdk), die=die)


def coloured_by_matrix(chip: Chip) -> Chip:
    """The chip with the program vias of each matrix on a layer of their own, in `by_matrix.oas`.

    Raises:
        FlowError: The build does not say what lies where, or it is another build's.
    """
    from base_chip.dies import load_die
    from flow.by_matrix import write_by_matrix
    from flow.chain.owners import chip_told, owners_of
    from flow.stitching.roms import die_sites

    base = load_die(load_run(chip.build / ".run.json").config.base)
    target = chip.build / "by_matrix.oas"
    whose = owners_of(chip.build, chip_told(chip.build), base, chip.die)
    layers = write_by_matrix(chip.layout, target, die_sites(base.name), whose)
    apart = tuple(Extra(f"{b.name}, {b.vias} vias", b.layer, b.colour) for b in layers)
    return replace(chip, layout=target, apart=apart)


def markers_of(build: Path) -> list[Path]:
    """Marker databases of the rows that failed, or whose faults are waived."""
    try:
        result = read_result(build)
    except FlowError:
        return []  # a build that is still running, or that stopped early, has none
    wanted = []
    for row in result.checks:
        if row.status in ("fail", "waived") and not row.name.endswith("_control"):
            names = row.name, row.name.partition("_")[2]  # of a tile's row also without its kind
            named = [f"{name}.lyrdb" for name in names]
            wanted += [e for e in row.evidence if Path(e).name.removesuffix(".gz") in named]
    return [build / name for name in wanted if (build / name).is_file()]


def open_viewer(chip: Chip) -> None:
    """Open KLayout with layer names and the markers of failed rows, and wait until it is closed."""
    require("klayout")
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise FlowError(
            "there is no display", hint="Write a picture instead: --png FILE", code=ExitCode.MISSING_TOOL
        )
    names = chip.build / "layers.lyp"
    write_layer_properties(names, chip.pdk.layers, chip.pdk.program_layers, chip.apart)
    command = [TOOLS["klayout"].exe, "-e", "-l", str(names), str(chip.layout)]
    for markers in (*markers_of(chip.build), *chip.markers):
        command += ["-m", str(markers)]
    if subprocess.run(command, check=False).returncode:
        raise FlowError("KLayout ended with an error", where=str(chip.layout), code=ExitCode.TOOL_FAILED)


def write_png(
    chip: Chip, path: Path, *, width: int, window: tuple[float, float, float, float] | None = None
) -> None:
    """Draw the whole chip, or a window (left, bottom, right, top in um)."""
    make_folder(path.parent)
    draw_png(
        chip.layout,
        path,
        chip.pdk.layers,
        program_layers=chip.pdk.program_layers,
        extra=chip.apart,
        window=window,
        size=(width, width * 5 // 8 if window else 0),
    )
