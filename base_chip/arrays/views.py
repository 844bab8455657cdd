"""Everything but the layout that tools need to know of a ROM macro."""

__all__ = ["rom_lef", "rom_verilog", "write_views"]

from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import numpy as np

from base_chip.arrays import control, driver, gates, rom_latch, rom_mux
from base_chip.arrays.layout import build_rom, rom_sites
from base_chip.arrays.pins import macro_pins
from base_chip.arrays.plan import RomPlan
from base_chip.arrays.spec import RomSpec
from base_chip.arrays.spice import rom_spice
from base_chip.bank.layout import write_layout
from base_chip.bank.lef import macro_lef
from base_chip.bank.pins import BankPin, PinRect


def rom_verilog(spec: RomSpec) -> str:
    """Behavioural model of the macro; `rom.v` beside this file explains it."""
    text = resources.files(__package__).joinpath("rom.v").read_text("utf-8")
    multiplexed = spec.mux > 1
    marks = {
        "NAME": spec.name, "WORDS": spec.words, "BITS": spec.bits, "GROUPS": spec.groups, "MUX": spec.mux,
        "PORT": f"\n    input [{spec.mux}-1:0] select," if multiplexed else "",
        "SELECT": "select" if multiplexed else "1'b1",
    }  # fmt: skip
    for mark, value in marks.items():
        text = text.replace(f"@{mark}@", str(value))
    return text


def rom_lef(spec: RomSpec) -> str:
    """A LEF file with the macro: boundary, pins with their antennas, and what routing must keep out of.

    met4 is free between the supply straps, and over the latches but for the supply's bars.
    """
    plan = RomPlan(spec.array)
    pins = macro_pins(plan, spec)
    return macro_lef(
        spec.name, (plan.width, plan.height), pins, _obstructions(plan), lambda pin: _antenna(spec, pin)
    )


def write_views(spec: RomSpec, folder: Path, bits: np.ndarray | None = None) -> dict[str, Path]:
    """Write the unprogrammed layout and all views of a macro.

    Args:
        spec: The macro.
        folder: Where to; made if missing.
        bits: bool [words, bits]: contents of the netlist; None for the base.

    Returns:
        The files by kind: gds, lef, verilog, spice, sites.
    """
    folder.mkdir(parents=True, exist_ok=True)
    suffixes = {"gds": ".gds", "lef": ".lef", "verilog": ".v", "spice": ".spice", "sites": ".sites.json"}
    files = {kind: folder / (spec.name + suffix) for kind, suffix in suffixes.items()}
    write_layout(build_rom(spec), files["gds"])
    files["lef"].write_text(rom_lef(spec))
    files["verilog"].write_text(rom_verilog(spec))
    files["spice"].write_text(rom_spice(spec, bits))
    files["sites"].write_text(rom_sites(spec).to_json())
    return files


def _obstructions(plan: RomPlan) -> tuple[PinRect, ...]:
    """Metal that is not part of a pin, as few rectangles: all but a strip at the bottom."""
    low, right = plan.rails[4] - 300, plan.width
    inside = [PinRect(layer, 0, low, right, plan.height) for layer in ("li1", "met1", "met2", "met3")]
    rails, half = plan.rails, plan.dims.strap // 2
    bar = PinRect("met4", plan.supply_x[0] - half, rails[0] - 3000, plan.strap_x[-1] + half, rails[0] - 1400)
    return (*inside, bar)


def _antenna(spec: RomSpec, pin: BankPin) -> Iterator[str]:
    """Gate area behind an input, diffusion behind an output, in square micrometres."""
    wp, wn = gates.WIDTHS
    gate = 0.15e-3
    if pin.name == "clk":
        yield f"    ANTENNAGATEAREA {(wp + wn) * gate:.4f} ;"
    elif pin.name == "enable" or pin.name.startswith("a["):
        yield f"    ANTENNAGATEAREA {control.NAND_FINGERS * (wp + wn) * gate:.4f} ;"
    elif pin.name.startswith("select"):
        yield f"    ANTENNAGATEAREA {spec.outputs * rom_mux.SIZES.n * gate:.4f} ;"
    elif pin.name.startswith("b_n"):
        width = 2 * driver.HEADER + driver.GROUP_ROWS * driver.WIDTHS[1]
        yield f"    ANTENNAGATEAREA {width * gate:.4f} ;"
    elif pin.direction == "OUTPUT":
        single, shared = rom_latch.SIZES, rom_mux.SIZES
        width = single.n_out + single.p_out if spec.mux == 1 else shared.n + shared.p_out
        yield f"    ANTENNADIFFAREA {width * 0.285e-3:.4f} ;"
