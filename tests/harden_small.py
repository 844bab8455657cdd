"""`sc-flow` whose only block is the small one, with the RTL in a file: harden_small.py RTL ARGUMENTS."""

import sys
from pathlib import Path

import flow.hardening.blocks
from flow.cli import main
from tests.small_block import small_block

if __name__ == "__main__":
    rtl = Path(sys.argv[1]).read_text()
    flow.hardening.blocks.load_block = lambda name: (small_block(), rtl)
    del sys.argv[1]
    sys.exit(main())
