"""`sc-flow precheck`: what a shuttle looks at, on the chip of a finished build."""

__all__ = ["SCRIPTS", "fetch", "precheck", "scripts_root"]

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from base_chip.assemble import cell_name
from base_chip.bank import BankSpec
from base_chip.config import load_base
from base_chip.pdk import Pdk, Wheel, load_pdk
from flow.files import atomic_dir, cache_root, make_folder
from flow.pdk.providers import find_pdk
from flow.tasks.drc_klayout import klayout_rows
from flow.tasks.wiring import routed_design, stack_of
from flow.verify import load_build
from flow.wheels import fetch_with_pip, pinned, unpack
from rtl_gen.errors import FlowError
from signoff.netlist import read_netlist
from signoff.precheck.decks import path_spikes, pins_on_metal
from signoff.precheck.layout import Chip, check_chip
from signoff.readback import read_layout
from signoff.result import CheckResult

WHEEL = "cf-precheck"
SCRIPTS = {
    "pins_on_metal": "cf_precheck/drc_scripts/pin_label_purposes_overlapping_drawing.rb.drc",
    "path_spikes": "cf_precheck/drc_scripts/gdsArea0",
}


def scripts_root(pdk: Pdk) -> Path:
    """Where the scripts that the kit does not have are unpacked."""
    return cache_root() / "precheck" / _wheel(pdk).sha256[:12]


def fetch(pdk: Pdk, wheels: Path | None = None) -> Path:
    """Unpack the scripts out of the pinned wheel of `cf-precheck`.

    Args:
        pdk: Process.
        wheels: Folder that holds the wheel; None to download it.

    Raises:
        FlowError: It is not there, or is another than the pinned one.
    """
    wheel, root = _wheel(pdk), scripts_root(pdk)
    with tempfile.TemporaryDirectory() as temp:
        if wheels is None:
            fetch_with_pip(wheel, Path(temp))
        path = pinned(wheel, wheels or Path(temp))
        make_folder(root.parent)
        with atomic_dir(root) as out:
            unpack(wheel, path, out)
    return root


def precheck(
    build: Path, *, drc: bool = True, say: Callable[[str], None] = lambda text: None
) -> list[CheckResult]:
    """Look at the chip of a build.

    Args:
        build: Folder of the build.
        drc: Run the design rules, density and empty shapes of the kit's KLayout decks, too.
        say: Told what is being done.

    Returns:
        Rows, each with its negative control; their reports are in `<build>/precheck`.

    Raises:
        FlowError: The build has no routed chip, or a tool fails.
    """
    config = load_build(build).config
    pdk, base = load_pdk(config.pdk), load_base(config.base)
    files = find_pdk(pdk)
    gds, routed_def = build / "metal" / "chip.gds", build / "harden" / "layout.def"
    for path in (gds, routed_def):
        if not path.is_file():
            raise FlowError(
                f"no routed chip there ({path.name} is missing)", where=str(build),
                hint="Give build/<name> of a build that has come as far as the step `metal`.",
            )  # fmt: skip
    folder = build / "precheck"
    make_folder(folder)
    bank = BankSpec.of(base.rom, base.pdk)
    routed = routed_design(routed_def, pdk, files.path("cells"), files.path("tech_lef"), bank)
    netlist = read_netlist(build / "harden" / "netlist.v")
    directions = {bit: way for name, (way, _) in netlist.ports.items() for bit in netlist.bits(name)}
    width, height = base.floorplan.die
    wires = {name: pdk.layers[name] for name in stack_of(pdk).wires}
    nm = round(pdk.dbu * 1000)

    layout = read_layout(gds)

    def make() -> Chip:
        return Chip(
            layout=layout.dup(),
            base=cell_name(f"scf_{base.name}"),
            die=(round(width * 1000), round(height * 1000)),
            ports=routed.ports,
            directions=directions,
            wires=wires,
            pins={name: pdk.pins[name] for name in wires},
            labels={name: pdk.labels[name] for name in wires},
            boundary=pdk.layers["prBoundary"],
            grid=pdk.grid * nm,
        )

    say("names, boundary, pins, labels, grid")
    rows = check_chip(make, folder)
    top = cell_name(f"scf_{config.base}_{config.model}")
    root = scripts_root(pdk)
    for name, script in SCRIPTS.items():
        if not (root / script).is_file():
            reason = f"{Path(script).name} of {WHEEL} is not here; run: sc-flow precheck --fetch"
            rows.append(CheckResult.not_run(name, reason, "KLayout"))
            continue
        say(name)
        if name == "pins_on_metal":
            rows += pins_on_metal(
                gds, top, root / script, folder, metal=pdk.layers["met1"], pin=pdk.pins["met1"]
            )
        else:
            rows += path_spikes(gds, root / script, folder)
    if drc:
        say("design rules, density, empty shapes")
        rows += klayout_rows(gds, top, pdk, files, folder / "drc", config.waivers)
    return rows


def _wheel(pdk: Pdk) -> Wheel:
    wheel = next(w for w in pdk.kit.wheels if w.name == WHEEL)
    return replace(wheel, take=tuple(SCRIPTS.values()))
