"""Looking at a finished chip: in KLayout's window, or as a picture."""

__all__ = ["Chip", "chip_of", "latest_build", "layer_properties", "open_viewer", "write_png"]

import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from base_chip.pdk import Pdk, load_pdk
from flow.config import load_run
from flow.files import disk_faults
from flow.tools import TOOLS, require
from rtl_gen.errors import ExitCode, FlowError

# Program layers stand out; the rest follow the process upwards in muted colours.
_PROGRAM = "#ff2a2a"
_COLOURS = {
    "nwell": "#3d4a3a",
    "diff": "#4c7a34",
    "tap": "#6d8a4a",
    "poly": "#a8483c",
    "licon1": "#777777",
    "li1": "#5a6fa8",
    "mcon": "#8a8a8a",
    "met1": "#3f66c9",
    "via": "#9a9a9a",
    "met2": "#8d4fb8",
    "met3": "#2e9c9c",
    "via3": "#b0b0b0",
    "met4": "#b88a2e",
    "via4": "#c0c0c0",
    "met5": "#c96f9f",
}
_FILLED = {"diff", "poly", "licon1", "mcon", "via", "via3", "via4"}


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
    run = build / ".run.json"
    layouts = sorted((build / "metal").glob("chip.*"))
    if not run.is_file() or not layouts:
        raise FlowError(
            "no chip there (metal/chip.oas or metal/chip.gds)",
            where=str(build),
            hint="Run `sc-flow build`, and give the folder build/<name>.",
        )
    return Chip(layouts[0], load_pdk(load_run(run).config.pdk))


def layer_properties(pdk: Pdk) -> str:
    """KLayout's layer-properties file: names and colours of the layers that the flow draws."""
    rows = []
    for name, (layer, datatype) in pdk.layers.items():
        program = name in pdk.program_layers
        colour = _PROGRAM if program else _COLOURS.get(name, "#666666")
        solid = program or name in _FILLED
        shown = str(program or name in _COLOURS).lower()
        title = f"{name} ({layer}/{datatype}){', program layer' if program else ''}"
        rows.append(
            f"<properties><frame-color>{colour}</frame-color><fill-color>{colour}</fill-color>"
            f"<dither-pattern>{'I0' if solid else 'I5'}</dither-pattern>"
            f"<visible>{shown}</visible><width>1</width><name>{escape(title)}</name>"
            f"<source>{layer}/{datatype}@1</source></properties>"
        )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<layer-properties>\n'
        + "\n".join(rows)
        + "\n</layer-properties>\n"
    )


def _properties_file(chip: Chip) -> Path:
    path = chip.layout.parent.parent / "layers.lyp"
    with disk_faults(path.parent):
        path.write_text(layer_properties(chip.pdk), "utf-8")
    return path


def open_viewer(chip: Chip) -> None:
    """Open KLayout and wait until it is closed."""
    require("klayout")
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise FlowError(
            "there is no display", hint="Write a picture instead: --png FILE", code=ExitCode.MISSING_TOOL
        )
    command = [TOOLS["klayout"].exe, "-e", "-l", str(_properties_file(chip)), str(chip.layout)]
    if subprocess.run(command, check=False).returncode:
        raise FlowError("KLayout ended with an error", where=str(chip.layout), code=ExitCode.TOOL_FAILED)


def write_png(chip: Chip, path: Path, *, width: int) -> None:
    """Draw the whole chip, all levels, in its own proportions."""
    from klayout import lay

    view = lay.LayoutView()
    view.load_layout(str(chip.layout), False)
    with tempfile.NamedTemporaryFile("w", suffix=".lyp") as f:
        f.write(layer_properties(chip.pdk))
        f.flush()
        view.load_layer_props(f.name)
    view.max_hier()
    view.zoom_fit()
    box = view.box()
    bounds = view.active_cellview().cell.dbbox()
    height = max(64, round(width * bounds.height() / bounds.width())) if bounds.width() else width
    with disk_faults(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            view.save_image_with_options(
                str(path), width, height, 0, 0, 0, bounds if not bounds.empty() else box, False
            )
        except RuntimeError as e:
            raise FlowError(f"cannot write the picture ({e})", where=str(path), code=ExitCode.OUTPUT) from e
