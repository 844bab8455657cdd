"""Everything but the layout that tools need to know of an SRAM macro."""

__all__ = ["gates_of", "sram_lef", "sram_verilog", "write_views"]

from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from base_chip.arrays import gates
from base_chip.arrays.sram import driver, latch
from base_chip.arrays.sram.layout import build_sram
from base_chip.arrays.sram.pins import macro_pins
from base_chip.arrays.sram.plan import SramPlan
from base_chip.arrays.sram.spec import BYTE, SramSpec
from base_chip.arrays.sram.spice import sram_spice
from base_chip.bank.layout import write_layout
from base_chip.bank.lef import macro_lef
from base_chip.bank.pins import BankPin, PinRect

_LOW = 350  # below it nothing but pins


def sram_verilog(spec: SramSpec) -> str:
    """Behavioural model of the macro; `ram.v` beside this file explains it."""
    text = resources.files(__package__).joinpath("ram.v").read_text("utf-8")
    marks = {
        "NAME": spec.name, "WORDS": spec.words, "BITS": spec.bits, "GROUPS": spec.groups, "BYTES": spec.bytes,
    }  # fmt: skip
    for mark, value in marks.items():
        text = text.replace(f"@{mark}@", str(value))
    return text


def sram_lef(spec: SramSpec) -> str:
    """A LEF file with the macro: boundary, pins with their antennas, and what routing must keep out of.

    met4 is free between the supply straps.
    """
    plan = SramPlan(spec)
    layers = ("li1", "met1", "met2", "met3")
    inside = (PinRect(layer, 0, _LOW, plan.width, plan.height) for layer in layers)
    return macro_lef(spec.name, (plan.width, plan.height), macro_pins(plan), inside, _antenna)


def write_views(spec: SramSpec, folder: Path) -> dict[str, Path]:
    """Write the layout and all views of a macro.

    Returns:
        The files by kind: gds, lef, verilog, spice.
    """
    folder.mkdir(parents=True, exist_ok=True)
    suffixes = {"gds": ".gds", "lef": ".lef", "verilog": ".v", "spice": ".spice"}
    files = {kind: folder / (spec.name + suffix) for kind, suffix in suffixes.items()}
    write_layout(build_sram(spec), files["gds"])
    files["lef"].write_text(sram_lef(spec))
    files["verilog"].write_text(sram_verilog(spec))
    files["spice"].write_text(sram_spice(spec))
    return files


def gates_of(pin: str) -> int:
    """Pairs of transistors behind an input; of `write` an n transistor besides."""
    bus = pin.split("[")[0]
    return {"b_n": 2 * driver.IN_GROUP, "write": 2 * BYTE, "d": 2}.get(bus, 1)


def _antenna(pin: BankPin) -> Iterator[str]:
    """Gate area behind an input, diffusion behind an output, in square micrometres."""
    wp, wn = gates.WIDTHS
    if pin.direction == "INPUT":
        width = gates_of(pin.name) * (wp + wn) + wn * pin.name.startswith("write")
        yield f"    ANTENNAGATEAREA {width * 0.15e-3:.4f} ;"
    elif pin.direction == "OUTPUT":
        yield f"    ANTENNADIFFAREA {(latch.SIZES.n + latch.SIZES.p) * 0.285e-3:.4f} ;"
