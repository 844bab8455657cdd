"""Static timing of a die of tiles by corner: what is least to spare, and the clock that it allows."""

__all__ = ["SEAMS", "CornerTiming", "corner_timing"]

from collections.abc import Mapping
from dataclasses import dataclass

from base_chip.dies import Floorplan
from base_chip.pdk import load_pdk
from base_chip.pdk.place_route import load_place_route
from flow.stitching.periods import PERIODS, die_period

SEAMS = "seams"


@dataclass(frozen=True)
class CornerTiming:
    """A corner; times are ns.

    Attributes:
        name: Of the corner.
        period: Clock period at which the slacks are.
        setup, hold: Least slack of all tiles and seams.
        setup_at, hold_at: Kind of tile that has it, or "seams".
        lacking: Kinds of tile, or "seams", without timing.
        hold_alone: It is there to check hold: silicon like that is not what limits the clock.
    """

    name: str
    period: float
    setup: float
    setup_at: str
    hold: float
    hold_at: str
    lacking: tuple[str, ...]
    hold_alone: bool

    @property
    def mhz(self) -> float | None:
        """A clock that does: None while a part lacks, of a corner for hold, or where a slack is negative.

        It has as many ns less as there are to spare; paths of part of a period would allow more.
        """
        if self.lacking or self.hold_alone or min(self.setup, self.hold) < 0:
            return None
        return 1000 / (self.period - self.setup)


def corner_timing(die: Floorplan, metrics: Mapping[str, float]) -> list[CornerTiming]:
    """Corners of which the metrics of `inside_<kind>` and `seams` tell something."""
    corners = []
    for name, corner in load_place_route(load_pdk(die.pdk)).corners.items():
        period = die_period(die) * PERIODS.get(name, 1)
        parts = {kind: f"{kind}_sta_{name}" for kind in die.kinds} | {SEAMS: f"seam_sta_{name}"}
        slacks = {
            part: [metrics[f"{stem}_{kind}_ns"] for kind in ("setup", "hold")]
            for part, stem in parts.items()
            if f"{stem}_setup_ns" in metrics
        }
        if slacks:
            (setup, setup_at), (hold, hold_at) = (
                min((s[n], part) for part, s in slacks.items()) for n in (0, 1)
            )
            lacking = tuple(part for part in parts if part not in slacks)
            alone = set(corner.checks) == {"hold"}
            corners.append(CornerTiming(name, period, setup, setup_at, hold, hold_at, lacking, alone))
    return corners
