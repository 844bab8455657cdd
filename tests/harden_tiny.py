"""`sc-flow` whose only base is the tiny one, with the RTL in a file: harden_tiny.py RTL ARGUMENTS."""

import sys
from pathlib import Path

import base_chip.config
import rtl_gen.tile
from flow.cli import main
from tests.tiny_base import TINY

if __name__ == "__main__":
    rtl = Path(sys.argv[1]).read_text()
    base_chip.config.load_base = lambda name: TINY
    rtl_gen.tile.tile_verilog = lambda core: rtl
    del sys.argv[1]
    sys.exit(main())
