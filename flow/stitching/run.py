"""`sc-flow base stitch`: a die from the tiles that ship, or four of one tile."""

__all__ = ["four", "pictures", "stitch_base", "told"]

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from base_chip.pdk import Pdk, load_pdk
from base_chip.pdk.margin import load_margin
from base_chip.stitch import StitchPlan, TileView, place_tiles, plan_rows
from base_chip.stitch.windows import crossing
from base_chip.tiles import known_tiles, load_tile
from flow.files import disk_faults
from flow.pdk.providers import find_pdk
from flow.stitching.check import find_die
from flow.stitching.periods import tiles_period
from flow.stitching.seams import check_seams
from flow.stitching.stitch import Stitched, stitch
from flow.stitching.tiles import artifact, hardened
from rtl_gen.errors import FlowError
from signoff.picture import draw_png
from signoff.result import CheckResult

MOST_DRAWN = 64  # tiles of a picture, which takes every shape of each


def stitch_base(name: str, out: Path | None, *, seams: bool, say: Callable[[str], None]) -> list[CheckResult]:
    """Stitch a die and draw it; returns the rows of its checks.

    Args:
        name: Of a base of tiles, of a YAML file with its floorplan, or of a tile: then it is four of them.
        out: Folder of the files, made if missing; None for build/<name>/stitched.
        seams: Whether its seams are checked.
        say: Shows a line.

    Raises:
        FlowError: There is none of that name (USAGE), a tile is not hardened (MISSING_TOOL), tiles do not
            meet, or a tool failed.
    """
    die = None if name in known_tiles() else find_die(name)
    names = {name: name} if die is None else {k: n for k, n in die.tiles.items() if k not in die.planned}
    kept = {kind: artifact(of) for kind, of in names.items()}
    pdk = load_pdk(load_tile(name).pdk if die is None else die.pdk)
    files = find_pdk(pdk)
    out = (out or Path("build", name if die is None else die.name, "stitched")).absolute()
    with disk_faults(out), TemporaryDirectory() as scratch:
        tiles = {kind: hardened(kept[kind], of, files, Path(scratch)) for kind, of in names.items()}
        period = tiles_period(names.values())
        views = {kind: tile.view for kind, tile in tiles.items()}
        plan = four(f"{name}_by_four", views[name], pdk) if die is None else place_tiles(die, views)
        made = stitch(plan, {kind: tile.gds for kind, tile in tiles.items()}, period, out)
        if len(pictures(made)) < 2:
            say(f"no picture of the whole die: it has more than {MOST_DRAWN} tiles; `klayout` shows it")
        x, y = plan.die
        say(f"{out}: {len(plan.tiles)} tiles, {x / 1000:g} x {y / 1000:g} um")
        if not seams:
            return []
        rows, _ = check_seams(made, tiles, period, files, out / "seams")
    for line in told(rows):
        say(line)
    return rows


def four(name: str, view: TileView, pdk: Pdk) -> StitchPlan:
    """A die of two by two tiles of one kind, which has every seam that they have with each other."""
    return plan_rows(name, pdk.name, [[view, view], [view, view]], load_margin(pdk).least())


def pictures(made: Stitched) -> list[Path]:
    """Draw a stitched die, unless it has more than `MOST_DRAWN` tiles, and a piece of its first seam.

    Returns:
        The files.

    Raises:
        FlowError: The die has no seam, or a picture cannot be written.
    """
    pdk = load_pdk(made.plan.pdk)
    whole, seam = made.file(".png"), made.file(".seam.png")
    drawn = len(made.plan.tiles) <= MOST_DRAWN
    if drawn:
        draw_png(made.file(".gds"), whole, pdk.layers, size=(1000, 0))
    if not made.plan.seams:
        raise FlowError("one tile has no seam", where=f"die {made.plan.name}")
    box = crossing(made.plan.seams[0])
    window = box.left, box.bottom, box.right, box.top
    draw_png(made.file(".gds"), seam, pdk.layers, window=window, size=(1600, 1000))
    return [whole, seam] if drawn else [seam]


def told(rows: Sequence[CheckResult]) -> list[str]:
    """Rows as lines."""
    wide = max(len(row.name) for row in rows)
    return [f"{row.name:{wide}}  {row.status:7}  {row.reason or row.detail}" for row in rows]
