"""What to look at of a die: of each kind of seam, and of what tiles meet at the margin, one."""

__all__ = ["crossing", "windows"]

import klayout.db as kdb

from base_chip.stitch.plan import Seam, StitchPlan
from rtl_gen.tiles.seams import CROSSINGS

REACH = 3000  # nm on both sides of a seam
PIECE = 48.0, 30.0  # um of a seam in a picture, width and height


def windows(plan: StitchPlan) -> dict[str, kdb.DBox]:
    """Windows in um, by name.

    They are along a whole seam of each kind, with its ends; of the margin, beside the first tile of each kind
    at each edge; and the corners.
    """
    found: dict[str, kdb.Box] = {}
    for seam in plan.seams:
        low, high = seam.span
        line = (seam.line, low, seam.line, high) if seam.side == "east" else (low, seam.line, high, seam.line)
        name = f"{seam.second.view.kind} {seam.side} of {seam.first.view.kind}"
        found.setdefault(name, kdb.Box(*line).enlarged(REACH, REACH))
    (width, height), array = plan.die, plan.array
    for tile in plan.tiles:
        box = tile.box
        for side, at_edge, beyond in (
            ("west", box.left == array.left, kdb.Box(0, box.bottom, box.left + REACH, box.top)),
            ("east", box.right == array.right, kdb.Box(box.right - REACH, box.bottom, width, box.top)),
            ("south", box.bottom == array.bottom, kdb.Box(box.left, 0, box.right, box.bottom + REACH)),
            ("north", box.top == array.top, kdb.Box(box.left, box.top - REACH, box.right, height)),
        ):
            if at_edge:
                found.setdefault(f"margin {side} of {tile.view.kind}", beyond)
    for vertical, y in (("south", 0), ("north", height)):
        for horizontal, x in (("west", 0), ("east", width)):
            corner = kdb.Box(x, y, x, y).enlarged(plan.edge + REACH, plan.edge + REACH)
            found[f"{vertical}-{horizontal} corner"] = kdb.Box(0, 0, width, height) & corner
    return {name: box.to_dtype(0.001) for name, box in found.items()}


def crossing(seam: Seam) -> kdb.DBox:
    """The piece of a seam in which most pins meet, um; the middle one of several."""
    into = {port for _, port in CROSSINGS[seam.side]}
    view, along = seam.second.view, (1 if seam.side == "east" else 0)
    found = [pin.box.center() for name, pin in view.pins.items() if name.partition("[")[0] in into]
    places = sorted((point.x, point.y)[along] + seam.second.at[along] for point in found)
    reach = PIECE[along] * 500
    near = [sum(abs(other - place) <= reach for other in places) for place in places]
    best = [place for place, count in zip(places, near, strict=True) if count == max(near)]
    at = best[len(best) // 2] if best else sum(seam.span) // 2
    x, y = (seam.line, at) if seam.side == "east" else (at, seam.line)
    middle = kdb.DBox(x / 1000, y / 1000, x / 1000, y / 1000)
    return middle.enlarged(PIECE[0] / 2, PIECE[1] / 2)
