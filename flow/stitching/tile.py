"""All checks of a tile that ships, by themselves."""

__all__ = ["check_tile"]

from pathlib import Path
from tempfile import TemporaryDirectory

from base_chip.pdk import load_pdk
from base_chip.tiles import load_tile
from flow.hardening.blocks import load_block
from flow.pdk.providers import find_pdk
from flow.stitching.equiv import tile_equiv
from flow.stitching.inside import inside
from flow.stitching.rules import design_rules
from flow.stitching.supplies import tile_supplies
from flow.stitching.tiles import artifact, hardened
from signoff.result import CheckResult


def check_tile(kind: str) -> list[CheckResult]:
    """Check the artifact of a tile that ships.

    Raises:
        FlowError: There is none (MISSING_TOOL), it was edited or no longer fits, or a tool failed.
    """
    pdk = load_pdk(load_tile(kind).pdk)
    kept, files = artifact(kind), find_pdk(pdk)
    with TemporaryDirectory() as scratch:
        tile, (block, rtl) = hardened(kept, kind, files, Path(scratch)), load_block(kind)
        (proof := Path(scratch) / "equiv").mkdir()
        mapped = (tile.folder / "mapped.v").read_text("utf-8")
        rows = tile_equiv(rtl, mapped, block, files.path("cells"), proof)
        rows += inside(tile, block, load_tile(kind).target_ns, files, Path(scratch) / "checks")[0]
        rows += tile_supplies(tile, pdk, files, Path(scratch) / "supplies")
        return [*rows, *design_rules(tile, block, files, Path(scratch) / "rules")]
