"""Memory macros transistor by transistor: what LVS of a tile takes as boxes."""

__all__ = ["MacrosTask", "small_macro"]

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flow.tasks.step import Job, Result, StepTask
from signoff.result import CheckResult

if TYPE_CHECKING:
    import klayout.db as kdb

    from base_chip.arrays.spec import RomSpec
    from base_chip.arrays.sram.spec import SramSpec

SEED = 1  # of the contents of ROMs
# Words and bits that are compared, with several groups of rows, blocks between taps, and bytes or outputs.
# Netgen's time grows with the square of the transistors: 256 x 32 bits of a ROM take it 20 times as long.
ROM_SIZE, SRAM_SIZE = (64, 32), (64, 16)


@dataclass(frozen=True)
class SmallMacro:
    """A macro, drawn, its netlist, and one with a fault; SPICE texts."""

    name: str
    layout: "kdb.Layout"
    right: str
    wrong: str


class MacrosTask(StepTask):
    """A small macro of each generator that the die's tiles have macros of, with its periphery.

    The control is a netlist with one bit of a ROM changed, or with one cell of an SRAM written upside down.
    """

    step_name = "macros"
    needs = ("base",)
    config = ("base", "pdk")
    tools = ("magic", "netgen")
    roles = ("magic_tech", "netgen_setup")
    is_check = True

    def work(self, job: Job) -> Result:
        from base_chip.dies import load_die
        from base_chip.tiles import load_tile
        from base_chip.tiles.parts import macro_specs

        tiles = load_die(job.config.base).tiles.values()
        specs = [spec for name in tiles for spec in macro_specs(load_tile(name))]
        names: dict[RomSpec | SramSpec, list[str]] = {}
        for spec in dict.fromkeys(specs):
            names.setdefault(_small(spec), []).append(spec.name)
        rows = [row for small, of in names.items() for row in _compared(small, of, job)]
        return Result(rows, note=f"{len(names)} generators of {len(set(specs))} kinds of macro")


def small_macro(spec: "RomSpec | SramSpec") -> SmallMacro:
    """A macro, a ROM with random contents, and the control's netlist."""
    import numpy as np

    from base_chip.arrays.layout import build_rom, program_rom
    from base_chip.arrays.spec import RomSpec
    from base_chip.arrays.spice import rom_spice
    from base_chip.arrays.sram.layout import build_sram
    from base_chip.arrays.sram.spice import sram_spice

    if isinstance(spec, RomSpec):
        bits = np.random.default_rng(SEED).random((spec.words, spec.bits)) < 0.5
        layout, other = build_rom(spec), bits.copy()
        program_rom(layout, spec, bits)
        other[spec.words // 2, spec.bits // 2] ^= True
        return SmallMacro(spec.name, layout, rom_spice(spec, bits), rom_spice(spec, other))
    right = wrong = sram_spice(spec)
    for side, line, exchanged in (("l", "wbl", "wblb"), ("r", "wblb", "wbl")):
        wrong = wrong.replace(f" {side}5_3 wwl5 {line}3 ", f" {side}5_3 wwl5 {exchanged}3 ")
    return SmallMacro(spec.name, build_sram(spec), right, wrong)


def _small(spec: "RomSpec | SramSpec") -> "RomSpec | SramSpec":
    """The macro that stands for one, of the same generator."""
    from base_chip.arrays.spec import RomSpec

    words, bits = ROM_SIZE if isinstance(spec, RomSpec) else SRAM_SIZE
    return replace(spec, words=min(words, spec.words), bits=min(bits, spec.bits))


def _compared(spec: "RomSpec | SramSpec", names: list[str], job: Job) -> list[CheckResult]:
    """Rows of one generator, by whose name they are called; `names` of the macros that it stands for."""
    from base_chip.bank.layout import write_layout
    from flow.pdk.magic_tech import tech_for_magic
    from rtl_gen.tools import require
    from signoff import lvs

    macro, folder = small_macro(spec), job.scratch / spec.name
    folder.mkdir()
    layout, right, wrong = (folder / name for name in ("macro.gds", "right.spice", "wrong.spice"))
    write_layout(macro.layout, layout)
    right.write_text(macro.right)
    wrong.write_text(macro.wrong)
    tech = tech_for_magic(job.pdk.path("magic_tech"), require("magic"))
    found = lvs.run(layout, spec.name, right, wrong, tech, job.pdk.path("netgen_setup"), folder)
    kind = spec.name.replace(f"_{spec.words}x{spec.bits}", "").removeprefix("scf_")
    rows = [replace(row, name=row.name.replace("lvs", f"lvs_{kind}", 1)) for row in found]
    others = [name for name in names if name != spec.name]
    if rows[0].status == "pass" and others:
        told = f"{rows[0].detail}; {', '.join(others)}: not compared, drawn by the same code"
        rows[0] = replace(rows[0], detail=told)
    return rows
