"""What the margin of a die of tiles is made of, by PDK."""

__all__ = ["Cut", "Feed", "Jumper", "Margin", "Ring", "load_margin"]

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Annotated

from base_chip.pdk import Dbu, Pdk
from base_chip.schema import note, parse


@dataclass(frozen=True)
class Ring:
    """The power ring: a leg of each supply on each side."""

    width: Annotated[Dbu, note("of a leg")]
    space: Annotated[Dbu, note("between two")]


@dataclass(frozen=True)
class Jumper:
    """A piece of met5 in a wire on met4: until it is made, a gate sees none of the wire beyond it."""

    width: Annotated[Dbu, note("of the piece")]
    space: Annotated[Dbu, note("to other met5")]
    span: Annotated[Dbu, note("from via4 to via4")]


@dataclass(frozen=True)
class Feed:
    """Wires that take steps from a vec tile to the rows."""

    width: Annotated[Dbu, note("of a wire")]
    pitch: Annotated[Dbu, note("from one to the next")]
    longest: Annotated[Dbu, note("without a jumper where the step is taken")]
    jumper: Annotated[Jumper, note("of longer ones")]


@dataclass(frozen=True)
class Cut:
    """A via layer."""

    size: Annotated[Dbu, note("of a cut")]
    space: Annotated[Dbu, note("between two")]
    lower: Annotated[Dbu, note("metal below, beyond the cuts")]
    upper: Annotated[Dbu, note("metal above, beyond the cuts")]


@dataclass(frozen=True)
class Margin:
    """Widths and distances in the margin."""

    clear: Annotated[Dbu, note("from the tiles to the ring")]
    ring: Annotated[Ring, note("the power ring")]
    wire: Annotated[Dbu, note("width of a tie, of clock and reset")]
    track: Annotated[Dbu, note("from one of those to the next")]
    feed: Annotated[Feed, note("wires to the rows")]
    pin: Annotated[Dbu, note("length of a pin at the edge of the die")]
    cuts: Annotated[Mapping[str, Cut], note("by via layer")]

    def least(self, feeds: int = 0) -> int:
        """Width that the margin has at least, dbu, with so many feeds; pins beyond the ring included."""
        return self.near(feeds) + 2 * self.ring.width + 2 * self.ring.space + self.pin

    def near(self, feeds: int) -> int:
        """From the tiles to the ring, dbu, with so many feeds between them."""
        return self.clear + feeds * self.feed.pitch


def load_margin(pdk: Pdk) -> Margin:
    """The facts of a PDK."""
    path = resources.files("base_chip.pdk").joinpath(pdk.name, "stitch.yaml")
    return parse(path.read_text("utf-8"), Margin, f"base_chip/pdk/{pdk.name}/stitch.yaml")
