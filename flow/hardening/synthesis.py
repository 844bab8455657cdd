"""The first node of hardening: RTL to cells with our Yosys script."""

__all__ = ["SynthesisNode"]

import json
from pathlib import Path

from siliconcompiler import Task

from base_chip.harden.floorplan import check_utilisation
from base_chip.synth import map_to_cells
from rtl_gen.errors import FlowError


class SynthesisNode(Task):
    """Reads `rtl.v`, the plain liberty and the banks' ports, as the variables name them."""

    def __init__(self) -> None:
        super().__init__()
        self.add_parameter("rtl", "file", "Verilog of the tile")
        self.add_parameter("liberty", "file", "liberty of the typical corner, not compressed")
        self.add_parameter("banks", "str", "JSON: module name to Verilog that declares its ports")
        self.add_parameter("rows_um2", "float", "area for cells, um2")

    def tool(self) -> str:
        return "scflow"

    def task(self) -> str:
        return "synthesis"

    def setup(self) -> None:
        super().setup()
        self.set_threads(1)
        self.add_output_file(f"{self.design_topmodule}.vg")
        for name in (
            "rows_um2",
            "rtl",
            "liberty",
            "banks",
        ):  # a change to any of them makes the node run again
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
