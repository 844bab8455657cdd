"""A block of a few cells and one memory, as place and route is told of it."""

__all__ = ["FACTS", "small_block", "smaller"]

from dataclasses import replace

from base_chip.harden.block import Block, Macro, Place
from base_chip.harden.constraints import tile_sdc
from base_chip.pdk import load_pdk
from base_chip.pdk.place_route import load_place_route

FACTS = load_place_route(load_pdk("sky130"))
MEMORY = Macro(
    "scf_small_memory",
    (9_000, 30_000),
    "module scf_small_memory(input clk, output [7:0] q);\nendmodule\n",
    "MACRO scf_small_memory\n  SIZE 9 BY 30 ;\nEND scf_small_memory\n",
    {corner.liberty: f"library ({corner.liberty}) {{ }}\n" for corner in FACTS.corners.values()},
)
PORTS = {"clk": False, "in_valid": False, "rx_data[0]": False, "out_valid": True, "tx_data[0]": True}


def small_block(*memories: tuple[float, float]) -> Block:
    """The block, with its memories at other places than the one that it has."""
    places = {f"bank{n}.macro": Place(*at) for n, at in enumerate(memories or [(105.8, 32.64)])}
    return Block(
        kind="tile",
        name="small",
        top="scf_small",
        pdk="sky130",
        source="tiles/small.yaml",
        digest="of small.yaml",
        die=(126.04, 103.36),
        core=((5.52, 10.88), (120.52, 92.48)),
        density=0.42,
        layer_adjustment=FACTS.layer_adjustment,
        macros=dict.fromkeys(places, MEMORY),
        places=places,
        halo=(4.0, 4.0),
        apart=(4.0, 4.0),
        sdc=tile_sdc("small", 45, PORTS),
        pins={},
    )


def smaller(block: Block) -> Block:
    """The same with a core that is too small for much."""
    return replace(
        block,
        die=(30.36, 54.4),
        core=((5.52, 10.88), (24.84, 46.24)),
        places=dict.fromkeys(block.places, Place(9.2, 13.6)),
    )
