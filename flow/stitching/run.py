"""`sc-flow base stitch`: a die from the tiles that ship."""

__all__ = ["pictures", "stitch_die", "told"]

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from base_chip.dies import Floorplan
from base_chip.pdk import load_pdk
from base_chip.stitch import place_tiles
from base_chip.stitch.windows import windows
from base_chip.tiles import load_tile
from flow.files import disk_faults
from flow.pdk.providers import find_pdk
from flow.stitching.seams import check_seams
from flow.stitching.stitch import Stitched, stitch
from flow.stitching.tiles import artifact, hardened
from rtl_gen.errors import FlowError
from signoff.picture import draw_png
from signoff.result import CheckResult


def stitch_die(die: Floorplan, out: Path, *, seams: bool, say: Callable[[str], None]) -> list[CheckResult]:
    """Stitch a die and draw it; returns the rows of its checks.

    Args:
        die: Its floorplan.
        out: Folder of the files; made if missing.
        seams: Whether its seams are checked.
        say: Shows a line.

    Raises:
        FlowError: A tile is not hardened (MISSING_TOOL), tiles do not meet, or a tool failed.
    """
    kinds = ["rom", *(["ram"] if die.ram.rows else []), "vec"]
    kept = {kind: artifact(kind) for kind in kinds}
    files = find_pdk(load_pdk(die.pdk))
    with disk_faults(out), TemporaryDirectory() as scratch:
        tiles = {kind: hardened(kept[kind], kind, files, Path(scratch)) for kind in kinds}
        period = max(load_tile(kind).target_ns for kind in kinds)
        plan = place_tiles(die, {kind: tile.view for kind, tile in tiles.items()})
        made = stitch(plan, tiles, period, out)
        pictures(made)
        x, y = plan.die
        say(f"{out}: {len(plan.tiles)} tiles, {x / 1000:g} x {y / 1000:g} um")
        if not seams:
            return []
        rows, _ = check_seams(made, tiles, period, files, out / "seams")
    for line in told(rows):
        say(line)
    return rows


def pictures(made: Stitched) -> tuple[Path, Path]:
    """Draw a stitched die, and a piece of its first seam; returns both files.

    Raises:
        FlowError: The die has no seam, or a picture cannot be written.
    """
    pdk = load_pdk(made.plan.pdk)
    whole, seam = made.file(".png"), made.file(".seam.png")
    draw_png(made.file(".gds"), whole, pdk.layers, size=(1000, 0))
    if not made.plan.seams:
        raise FlowError("one tile has no seam", where=f"die {made.plan.name}")
    first = made.plan.seams[0]
    window = next(iter(windows(made.plan).values()))
    at = next(
        pin.box.moved(*first.second.at).center()
        for name, pin in first.second.view.pins.items()
        if pin.box.left == 0 or first.side == "south"
    )
    middle = window.center()
    x, y = (middle.x, at.y / 1000) if first.side == "east" else (at.x / 1000, middle.y)
    draw_png(made.file(".gds"), seam, pdk.layers, window=(x - 24, y - 15, x + 24, y + 15), size=(1600, 1000))
    return whole, seam


def told(rows: Sequence[CheckResult]) -> list[str]:
    """Rows as lines."""
    wide = max(len(row.name) for row in rows)
    return [f"{row.name:{wide}}  {row.status:7}  {row.reason or row.detail}" for row in rows]
