"""The first node of hardening: RTL to cells with our Yosys script."""

__all__ = ["CORNER", "SynthesisNode", "bank_ports", "need_liberty", "plain_liberty"]

import gzip
import json
from pathlib import Path

from siliconcompiler import Task

from base_chip.bank import BankSpec
from base_chip.harden.floorplan import check_utilisation
from base_chip.synth import map_to_cells
from flow.pdk import PdkFiles
from rtl_gen.errors import ExitCode, FlowError

CORNER = "tt_025C_1v80"


class SynthesisNode(Task):
    """Reads `rtl.v`, the plain liberty and the banks' ports, as the variables name them."""

    def __init__(self) -> None:
        super().__init__()
        self.add_parameter("rtl", "file", "Verilog of the tile")
        self.add_parameter("liberty", "file", "liberty of the typical corner, not compressed")
        self.add_parameter("banks", "str", "JSON: module name to Verilog that declares its ports")
        self.add_parameter("rows_um2", "float", "area for cells, um2")
        self.add_parameter("script", "str", "digest of the synthesis script")

    def tool(self) -> str:
        return "scflow"

    def task(self) -> str:
        return "synthesis"

    def setup(self) -> None:
        super().setup()
        self.set_threads(1)
        self.add_output_file(f"{self.design_topmodule}.vg")
        # A change to any of them makes the node run again.
        for name in ("rows_um2", "rtl", "liberty", "banks", "script"):
            self.add_required_key("var", name)

    def run(self) -> int:
        """Runs in the node's working folder."""
        top = self.design_topmodule
        netlist = map_to_cells(
            Path(self.find_files("var", "rtl")).read_text(),
            top,
            Path(self.find_files("var", "liberty")),
            json.loads(self.get("var", "banks")),
            Path("work"),
        )
        try:
            used = check_utilisation(top, self.get("var", "rows_um2"), netlist.area_um2)
        except FlowError as e:
            self.logger.error(e.what)
            return 1
        self.logger.info(f"{netlist.cell_count} cells, {used:.0f} % of the rows")
        Path("outputs", f"{top}.vg").write_text(netlist.verilog)
        return 0


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
