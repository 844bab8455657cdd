"""The first node of hardening: RTL to cells with our Yosys script."""

__all__ = ["CORNER", "FAULT", "SynthesisNode", "need_liberty", "plain_liberty"]

import gzip
import json
from pathlib import Path

from siliconcompiler import Task

from base_chip.harden.floorplan import check_utilisation
from base_chip.synth import Netlist, map_to_cells
from flow.pdk.files import PdkFiles
from rtl_gen.errors import ExitCode, FlowError

FAULT = "fault.json"  # in the node's folder: what, where, hint and code of the error that it ended with
CORNER = "tt_025C_1v80"


class SynthesisNode(Task):
    """Reads `rtl.v`, the plain liberty and the macros' ports, as the variables name them."""

    def __init__(self) -> None:
        super().__init__()
        self.add_parameter("rtl", "file", "Verilog of the block")
        self.add_parameter("liberty", "file", "liberty of the typical corner, not compressed")
        self.add_parameter("macros", "str", "JSON: module name to Verilog that declares its ports")
        self.add_parameter("block", "str", "what messages call the block")
        self.add_parameter("rows_um2", "float", "area for cells, um2")
        self.add_parameter("script", "str", "digest of the synthesis script")
        self.add_parameter("resimplify", "bool", "whether multiplexers of late sharing are broken up")

    def tool(self) -> str:
        return "scflow"

    def task(self) -> str:
        return "synthesis"

    def setup(self) -> None:
        super().setup()
        self.set_threads(1)
        self.add_output_file(f"{self.design_topmodule}.vg")
        # A change to any of them makes the node run again.
        for name in ("block", "rows_um2", "rtl", "liberty", "macros", "script", "resimplify"):
            self.add_required_key("var", name)

    def run(self) -> int:
        """Runs in the node's working folder."""
        try:
            netlist, used = self._mapped()
        except FlowError as e:
            self.logger.error(e.what)
            Path(FAULT).write_text(json.dumps([e.what, e.where, e.hint, int(e.code)]))
            return 1
        self.logger.info(f"{netlist.cell_count} cells, {used:.0f} % of the rows")
        return 0

    def _mapped(self) -> tuple[Netlist, float]:
        """The netlist, which is written, and percent of the rows; FlowError when there is no room for it."""
        top, work = self.design_topmodule, Path("work")
        netlist = map_to_cells(
            Path(self.find_files("var", "rtl")).read_text(),
            top,
            Path(self.find_files("var", "liberty")),
            json.loads(self.get("var", "macros")),
            work,
            resimplify=self.get("var", "resimplify"),
        )
        used = check_utilisation(self.get("var", "block"), self.get("var", "rows_um2"), netlist.area_um2)
        Path("outputs", f"{top}.vg").write_text(netlist.verilog)
        return netlist, used


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
