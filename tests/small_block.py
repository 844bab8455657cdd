"""A block with one memory, as place and route is told of it: too small for anything but what comes before."""

from base_chip.harden.block import Block, Macro, Place
from base_chip.pdk import load_pdk
from base_chip.pdk.place_route import load_place_route

__all__ = ["FACTS", "SMALL"]

FACTS = load_place_route(load_pdk("sky130"))
_LIBERTY = "library (memory) {\n}\n"
_MEMORY = Macro(
    "memory", (9660, 21760), "module memory(input clk, output q);\nendmodule",
    "MACRO memory\n  CLASS BLOCK ;\n  SIZE 9.66 BY 21.76 ;\nEND memory\n",
    {corner.liberty: _LIBERTY for corner in FACTS.corners.values()},
)  # fmt: skip
SMALL = Block(
    kind="tile",
    name="tiny",
    top="scf_tiny",
    pdk="sky130",
    source="tiles/tiny.yaml",
    digest="0" * 64,
    die=(126.04, 103.36),
    core=((5.52, 10.88), (120.52, 92.48)),
    density=0.42,
    layer_adjustment=FACTS.layer_adjustment,
    macros={"bank0.macro": _MEMORY},
    places={"bank0.macro": Place(105.8, 32.64)},
    halo=(4.0, 4.0),
    apart=(4.0, 4.0),
    sdc="create_clock -name clk -period 45 [get_ports clk]\n",
    pins={},
)
