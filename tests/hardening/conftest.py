"""The small rom tile, placed and routed once for all tests that look at it.

SCF_TINY_TILE may name the folder of an artifact that was kept: it is taken as it is, and nothing is routed.
"""

import os
import shutil
from pathlib import Path

import pytest

from base_chip.harden.artifact import HardenedTile
from base_chip.tiles import tile_rtl
from flow.hardening.run import harden
from flow.hardening.synthesis import CORNER
from tests.tiny_tile import TILE, tiny_block


@pytest.fixture(scope="session")
def tile(tmp_path_factory, pdk_kit):
    """The block, and its artifact."""
    block = tiny_block()
    if kept := os.environ.get("SCF_TINY_TILE"):
        return block, HardenedTile.read(Path(kept), TILE.name)
    if shutil.which("openroad") is None:
        pytest.skip("no openroad on PATH")
    if CORNER not in pdk_kit.liberty or not pdk_kit.extraction:
        pytest.skip("no liberty or no extraction rules (SCF_LIBERTY_DIR or lambdapdk)")
    folder = tmp_path_factory.mktemp("tile")
    return block, harden(block, tile_rtl(TILE), folder / "work", folder / "out", jobs=1, say=print)
