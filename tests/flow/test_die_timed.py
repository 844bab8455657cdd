"""What timed simulation is told of a die of tiles."""

from flow.hardening.blocks import load_block
from flow.stitching.timed import memories_of


def test_memories_are_told_by_their_pins():
    macros = [macro for kind in ("rom", "ram", "vec") for macro in load_block(kind)[0].memories]
    found = memories_of(macros)
    for name, memory in found.items():
        prefix, kind, size, *_ = name.split("_")
        assert prefix == "scf"
        assert memory.rom == (kind == "rom")
        assert memory.words == int(size.split("x")[0])
    assert len(found) == len({macro.name for macro in macros}) == 6
