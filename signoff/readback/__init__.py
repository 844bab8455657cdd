"""Read a chip's ROM back from its finished layout.

Nothing here knows how the vias were placed: this package imports neither the writer, nor the site map, nor
the bank generator, and takes from the layout alone where word lines and bit lines cross.
"""

__all__ = [
    "Recovered",
    "compare",
    "read_layout",
    "readback_control",
    "recover",
    "write_hex",
]

from signoff.readback.bits import Recovered, recover
from signoff.readback.compare import compare, readback_control, write_hex
from signoff.readback.shapes import read_layout
