"""The netlist: mapped from the RTL where there is liberty, else the shipped one, hash-checked."""

__all__ = ["CORNER", "SynthTask", "bank_ports", "need_liberty", "plain_liberty"]

import gzip
from pathlib import Path

from base_chip.bank import BankSpec
from flow.pdk import PdkFiles
from flow.tasks.step import Job, Result, StepTask
from rtl_gen.errors import ExitCode, FlowError

CORNER = "tt_025C_1v80"


class SynthTask(StepTask):
    """Says in its note which of the two it was."""

    step_name = "synth"
    needs = ("rtl",)
    config = ("base", "pdk")
    code = ("base_chip", "flow.tasks.parts")
    libraries = ("pyosys",)
    roles = ("liberty",)

    def work(self, job: Job) -> Result:
        from base_chip.config import load_base
        from base_chip.synth import ShippedNetlist, map_to_cells

        rtl = (job.inputs["rtl"] / "rtl.v").read_text()
        base = load_base(job.config.base)
        if liberty := job.pdk.liberty.get(CORNER):
            bank = BankSpec.of(base.rom, base.pdk)
            netlist = map_to_cells(
                rtl,
                f"scf_{base.name}",
                plain_liberty(liberty, job.scratch),
                {bank.name: bank_ports(bank)},
                job.scratch,
            )
            how = f"mapped with {liberty.name}"
        else:
            netlist = ShippedNetlist.load(base.name, rtl).netlist
            how = "the shipped netlist (no liberty here)"
        (job.out / "netlist.v").write_text(netlist.verilog)
        return Result(
            metrics={"cells": netlist.cell_count, "cell_area_um2": netlist.area_um2},
            note=f"{netlist.cell_count} cells, {how}",
        )


def bank_ports(bank: BankSpec) -> str:
    """The bank as Yosys needs it: its simulation model holds what cannot be synthesised."""
    return (
        f"module {bank.name}(input [{bank.word_lines - 1}:0] WL, input PRE_N,"
        f" output [{bank.bit_lines - 1}:0] BL);\nendmodule"
    )


def need_liberty(files: PdkFiles) -> Path:
    """The liberty that synthesis takes; FlowError (MISSING_TOOL) when there is none."""
    if CORNER not in files.liberty:
        raise FlowError(
            f"no liberty for corner {CORNER}",
            hint="Set PDK_ROOT to an installed sky130A, or SCF_LIBERTY_DIR to a folder with the .lib file.",
            code=ExitCode.MISSING_TOOL,
        )
    return files.liberty[CORNER]


def plain_liberty(liberty: Path, scratch: Path) -> Path:
    """The liberty file uncompressed, which is how Yosys reads it."""
    if liberty.suffix != ".gz":
        return liberty
    plain = scratch / liberty.stem
    plain.write_bytes(gzip.decompress(liberty.read_bytes()))
    return plain
