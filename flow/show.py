"""Looking at a finished chip: in KLayout's window, or as a picture."""

__all__ = ["Chip", "chip_of", "latest_build", "open_viewer", "write_png"]

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from base_chip.pdk import Pdk, load_pdk
from flow.files import make_folder
from flow.request import load_run
from flow.tools import TOOLS, require
from rtl_gen.errors import ExitCode, FlowError
from signoff.picture import draw_png, write_layer_properties


@dataclass(frozen=True)
class Chip:
    """A layout file and the process it is made for."""

    layout: Path
    pdk: Pdk


def latest_build(out: Path) -> Path:
    """The build of a folder that was run last."""
    runs = sorted(out.glob("*/.run.json"), key=lambda p: p.stat().st_mtime)
    if not runs:
        raise FlowError(
            "no build there", where=str(out), hint="Run `sc-flow build` first, or name its folder."
        )
    return runs[-1].parent


def chip_of(build: Path) -> Chip:
    """The chip that a build made; FlowError when it has not got that far."""
    run, layout = build / ".run.json", build / "metal" / "chip.oas"
    if not run.is_file() or not layout.is_file():
        raise FlowError(
            "no chip there (metal/chip.oas)",
            where=str(build),
            hint="Run `sc-flow build`, and give the folder build/<name>.",
        )
    return Chip(layout, load_pdk(load_run(run).config.pdk))


def open_viewer(chip: Chip) -> None:
    """Open KLayout and wait until it is closed."""
    require("klayout")
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise FlowError(
            "there is no display", hint="Write a picture instead: --png FILE", code=ExitCode.MISSING_TOOL
        )
    names = chip.layout.parent.parent / "layers.lyp"
    write_layer_properties(names, chip.pdk.layers, chip.pdk.program_layers)
    command = [TOOLS["klayout"].exe, "-e", "-l", str(names), str(chip.layout)]
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
        window=window,
        size=(width, width * 5 // 8 if window else 0),
    )
