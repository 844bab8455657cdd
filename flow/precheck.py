"""`sc-flow precheck`: what a shuttle looks at, on the chip of a finished build."""

__all__ = ["SCRIPTS", "fetch", "precheck", "scripts_root"]

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from base_chip.chip import cell_name
from base_chip.dies import load_die
from base_chip.pdk import Pdk, Wheel, load_pdk
from flow.chain.owners import chip_told
from flow.files import atomic_dir, cache_root, make_folder
from flow.pdk.providers import find_pdk
from flow.request import BuildConfig
from flow.tasks.drc_klayout import klayout_rows
from flow.tasks.wiring import stack_of
from flow.verify import load_build
from flow.wheels import fetch_with_pip, pinned, unpack
from rtl_gen.errors import FlowError
from signoff.netlist import read_netlist
from signoff.precheck.decks import path_spikes, pins_on_metal
from signoff.precheck.layout import Chip, check_chip
from signoff.precheck.ports import read_ports
from signoff.readback import read_layout
from signoff.result import CheckResult, of_dies

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
    """Look at the chip of a build, or at each of its chain of dies.

    Args:
        build: Folder of the build.
        drc: Run the design rules, density and empty shapes of the kit's KLayout decks, too.
        say: Told what is being done.

    Returns:
        Rows, each with its negative control; their reports are in `<build>/precheck/die<n>`.

    Raises:
        FlowError: The build has no chip of routed tiles, or a tool fails.
    """
    config = load_build(build).config
    dies = chip_told(build).dies
    return of_dies([_die(build, config, n, dies, drc, say) for n in range(dies)])


def _die(
    build: Path, config: BuildConfig, die: int, dies: int, drc: bool, say: Callable[[str], None]
) -> list[CheckResult]:
    pdk, base = load_pdk(config.pdk), load_die(config.base)
    gds = build / "metal" / f"die{die}" / "chip.gds"
    cell = cell_name(f"scf_{config.base}")
    lef, netlist = (build / "stitch" / f"{config.base}.{suffix}" for suffix in ("lef", "v"))
    for path in (gds, lef, netlist):
        if not path.is_file():
            raise FlowError(
                f"no chip of routed tiles there ({path.relative_to(build)} is missing)", where=str(build),
                hint="Give build/<name> of a build that has come as far as the step `metal`, on tiles that"
                " are placed and routed.",
            )  # fmt: skip
    folder = build / "precheck" / f"die{die}"
    make_folder(folder)
    told = read_netlist(netlist)
    directions = {bit: way for name, (way, _) in told.ports.items() for bit in told.bits(name)}
    ports = read_ports(lef.read_text("utf-8"), cell)
    wires = {name: pdk.layers[name] for name in stack_of(pdk).wires}
    layout = read_layout(gds)
    top = cell_name(f"{cell}_{config.model}" + (f"_die{die}" if dies > 1 else ""))

    def make() -> Chip:
        return Chip(
            layout=layout.dup(),
            top=top,
            base=cell,
            die=(round(base.die[0] * 1000), round(base.die[1] * 1000)),
            ports=ports,
            directions=directions,
            wires=wires,
            pins={name: pdk.pins[name] for name in wires},
            labels={name: pdk.labels[name] for name in wires},
            boundary=pdk.layers["prBoundary"],
            grid=round(pdk.grid * pdk.dbu * 1000),
        )

    of = f"die {die}: " if dies > 1 else ""
    say(f"{of}names, boundary, pins, labels, grid")
    rows = check_chip(make, folder)
    root = scripts_root(pdk)
    for name, script in SCRIPTS.items():
        if not (root / script).is_file():
            reason = f"{Path(script).name} of {WHEEL} is not here; run: sc-flow precheck --fetch"
            rows.append(CheckResult.not_run(name, reason, "KLayout"))
            continue
        say(of + name)
        if name == "pins_on_metal":
            rows += pins_on_metal(
                gds, top, root / script, folder, metal=pdk.layers["met1"], pin=pdk.pins["met1"]
            )
        else:
            rows += path_spikes(gds, root / script, folder)
    if drc:
        say(f"{of}design rules, density, empty shapes")
        rows += klayout_rows(gds, top, pdk, find_pdk(pdk), folder / "drc", config.waivers)
    return rows


def _wheel(pdk: Pdk) -> Wheel:
    wheel = next(w for w in pdk.kit.wheels if w.name == WHEEL)
    return replace(wheel, take=tuple(SCRIPTS.values()))
