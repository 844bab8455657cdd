"""How long the wires are that a die of tiles has in its margin."""

__all__ = ["margin_wires"]

from base_chip.pdk.margin import Margin
from base_chip.stitch.plan import SHARED, StitchPlan


def margin_wires(plan: StitchPlan, margin: Margin) -> dict[str, int]:
    """Length (nm) to each pin of a tile, such as "rom_1_0.clk", from what drives it.

    That is the edge of the die for clock and reset, the vec tile for steps.
    """
    found: dict[str, int] = {}
    middle = {
        (tile.name, name): pin.box.moved(*tile.at).center()
        for tile in plan.tiles
        for name, pin in tile.view.pins.items()
    }
    for net in SHARED:
        pins = [
            tile.name
            for tile in plan.tiles
            if net in tile.view.ports and plan.joins(tile)[net].role == "port"
        ]
        lowest = min((middle[name, net].y for name in pins), default=0)
        found |= {f"{name}.{net}": plan.array.left + middle[name, net].y - lowest for name in pins}
    for track, ((sender, out), (taker, into)) in enumerate(plan.feeds):
        a, b = middle[sender.name, out], middle[taker.name, into]
        across = margin.clear + track * margin.feed.pitch
        found[f"{taker.name}.{into}"] = 2 * across + abs(a.y - b.y)
    return found
