"""Wires of a routed DEF, segment by segment: what its NETS section draws, as rectangles."""

__all__ = [
    "Box",
    "Patch",
    "PlacedVia",
    "Point",
    "Routes",
    "Segment",
    "Tech",
    "Wires",
    "net_statements",
    "read_tech",
    "read_wires",
]

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rtl_gen.errors import FlowError

Box = tuple[int, int, int, int]  # left, bottom, right, top in dbu
Point = tuple[int, int]

_TOKEN = re.compile(r'"[^"]*"|\S+')
_NETS = re.compile(r"^[ \t]*NETS\s+\d+\s*;(.*?)^[ \t]*END NETS\b", re.S | re.M)
_TURNS = ("N", "S", "E", "W", "FN", "FS", "FE", "FW")
_WIRING = ("ROUTED", "FIXED", "COVER", "NOSHIELD")


@dataclass(frozen=True)
class Tech:
    """What a LEF says of routing.

    Attributes:
        widths: Width of a wire, um, by routing layer.
        horizontal: Those whose wires prefer to be horizontal.
        vias: Routing layers that each via joins.
    """

    widths: Mapping[str, float]
    horizontal: frozenset[str]
    vias: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Wires:
    """The routing of a DEF's nets.

    Attributes:
        boxes: Rectangles by layer, dbu.
        rest: The DEF with nothing in its NETS but the vias that they place.
    """

    boxes: Mapping[str, list[Box]]
    rest: str


@dataclass(frozen=True, slots=True)
class Segment:
    """A straight wire; `before` and `beyond` are how far it goes on behind its ends, None: half its width."""

    layer: str
    rule: str
    start: Point
    before: int | None
    end: Point
    beyond: int | None

    def box(self, half: int) -> Box:
        """Its rectangle, when it is twice `half` wide."""
        a, before, b, beyond = self.start, self.before, self.end, self.beyond
        if a > b:
            a, before, b, beyond = b, beyond, a, before
        first, last = (half if e is None else e for e in (before, beyond))
        if a[1] == b[1]:
            return (a[0] - first, a[1] - half, b[0] + last, b[1] + half)
        return (a[0] - half, a[1] - first, a[0] + half, b[1] + last)


@dataclass(frozen=True, slots=True)
class PlacedVia:
    """A via, met on `layer`, that leads to `other`."""

    name: str
    turned: str
    layer: str
    other: str
    at: Point


@dataclass(frozen=True, slots=True)
class Patch:
    """A rectangle of metal."""

    layer: str
    box: Box


def read_tech(lef: str) -> Tech:
    """Routing layers and vias of a LEF text; cells in it are passed over."""
    widths, horizontal = {}, set()
    for name, body in re.findall(r"^LAYER (\S+)\s*$(.*?)^END \1\s*$", lef, re.S | re.M):
        width = re.search(r"^\s*WIDTH ([\d.]+) ;", body, re.M)
        if re.search(r"^\s*TYPE ROUTING ;", body, re.M) and width:
            widths[name] = float(width.group(1))
            if re.search(r"^\s*DIRECTION HORIZONTAL ;", body, re.M):
                horizontal.add(name)
    vias = {}
    for name, body in re.findall(r"^VIA (\S+).*?$(.*?)^END \1\s*$", lef, re.S | re.M):
        layers = re.findall(r"^\s*LAYER (\S+) ;", body, re.M)
        vias[name] = tuple(layer for layer in layers if layer in widths)
    return Tech(widths, frozenset(horizontal), vias)


def read_wires(text: str, tech: Tech, dbu: float) -> Wires:
    """The wires of a DEF.

    Each segment is a rectangle that goes on beyond both of its ends: by half of the wire's width, or by what
    the DEF says there. Where a horizontal and a vertical segment of a net end at one point, the corner is
    full whatever the DEF says: without extensions only a quarter of it would be, and the wire too narrow.

    Args:
        text: The DEF.
        tech: Of the tech LEF.
        dbu: um per unit of the result.

    Raises:
        FlowError: The text is cut short, or routes in a way that is not known here.
    """
    units = re.search(r"^\s*UNITS DISTANCE MICRONS (\d+) ;", text, re.M)
    nets = _NETS.search(text)
    if units is None or nets is None:
        raise FlowError("no units, or no NETS, in the DEF", hint="Harden again.")
    scale = round(1 / dbu / int(units.group(1)))
    if abs(scale * dbu * int(units.group(1)) - 1) > 1e-9:
        raise FlowError(f"{units.group(1)} units a micrometre in the DEF do not fit {dbu} um of the layout")
    reader = _Reader(text, tech, dbu, scale)
    kept = [reader.net(words) for words in _statements(nets.group(1))]
    lines = [f"- {name} + ROUTED {' NEW '.join(vias)} ;" for name, vias in kept if vias]
    section = "\n".join([f"NETS {len(lines)} ;", *lines, "END NETS"])
    return Wires(dict(reader.boxes), text[: nets.start()] + section + text[nets.end() :])


def net_statements(text: str) -> Iterator[list[str]]:
    """The words of each statement of the NETS of a DEF; FlowError when there is no such section."""
    if (nets := _NETS.search(text)) is None:
        raise FlowError("no NETS in the DEF", hint="Harden again.")
    return _statements(nets.group(1))


def _statements(section: str) -> Iterator[list[str]]:
    words: list[str] = []
    for line in section.splitlines():
        if line.lstrip().startswith("#"):
            continue
        for word in _TOKEN.findall(line):
            if word == ";":
                yield words
                words = []
            else:
                words.append(word)
    if words:
        raise FlowError(f"a statement is cut short: {' '.join(words[:8])}", hint="Harden again.")


class Routes:
    """Reads the routing of single nets of a DEF."""

    def __init__(self, text: str, tech: Tech, scale: int = 1) -> None:
        """Takes the DEF's own vias and rules from its text; coordinates are multiplied by `scale`."""
        self.scale = scale
        self.vias = dict(tech.vias)
        for words in _section(text, "VIAS"):
            self.vias[words[1]] = tuple(dict.fromkeys(w for w in words[2:] if w in tech.widths))
        self.rules: dict[str, dict[str, int]] = {}
        for words in _section(text, "NONDEFAULTRULES"):
            told = re.findall(r"LAYER (\S+) WIDTH (\d+)", " ".join(words))
            self.rules[words[1]] = {layer: int(w) * scale for layer, w in told}

    def of(self, words: list[str]) -> tuple[str, Iterator[Segment | PlacedVia | Patch]]:
        """The name of a net and what its statement draws; FlowError for what is not known here."""
        return words[1], self._told(words)

    def _told(self, words: list[str]) -> Iterator[Segment | PlacedVia | Patch]:
        try:
            parts = " ".join(words[1:]).split(" + ")
            rule = next((p.split()[1] for p in parts if p.startswith("NONDEFAULTRULE ")), "")
            for part in parts:
                what, _, routes = part.partition(" ")
                if what in _WIRING:
                    for route in f" {routes}".split(" NEW "):
                        yield from self._route(route.split(), rule)
                elif what in ("SUBNET", "SHIELDNET"):
                    raise ValueError(f"{what} is not known")
        except (ValueError, IndexError, KeyError) as e:
            raise _unreadable(words, e) from e

    def _route(self, words: list[str], rule: str) -> Iterator[Segment | PlacedVia | Patch]:
        layer, at = words[0], 1
        if words[at : at + 1] == ["TAPER"]:
            rule, at = "", at + 1
        elif words[at : at + 1] == ["TAPERRULE"]:
            rule, at = words[at + 1], at + 2
        point: Point | None = None
        extension: int | None = None
        drawn = True
        while at < len(words):
            word = words[at]
            if word == "(":
                end = words.index(")", at)
                to, beyond = self._point(words[at + 1 : end], point)
                if point is not None and drawn:
                    if point[0] != to[0] and point[1] != to[1]:
                        raise ValueError(f"from {point} to {to} is not straight")
                    yield Segment(layer, rule, point, extension, to, beyond)
                point, extension, drawn, at = to, beyond, True, end + 1
            elif word == "VIRTUAL":
                drawn, at = False, at + 1
            elif point is None:
                raise ValueError(f"{word} before any point")
            elif word == "RECT":
                left, bottom, right, top = (int(w) * self.scale for w in _four(words[at + 1 : at + 7]))
                x, y = point
                yield Patch(layer, (x + left, y + bottom, x + right, y + top))
                at += 7
            else:
                ends = self.vias[word]
                turned = words[at + 1] if words[at + 1 : at + 2] and words[at + 1] in _TURNS else ""
                other = ends[1 - ends.index(layer)]
                yield PlacedVia(word, turned, layer, other, point)
                layer = other  # the points behind a via are on its other side
                at += 2 if turned else 1

    def _point(self, words: list[str], last: Point | None) -> tuple[Point, int | None]:
        if len(words) not in (2, 3) or (last is None and "*" in words):
            raise ValueError(f"no point: {' '.join(words)}")
        x, y = (
            last[n] if word == "*" and last is not None else int(word) * self.scale
            for n, word in enumerate(words[:2])
        )
        return (x, y), int(words[2]) * self.scale if len(words) == 3 else None


class _Reader:
    def __init__(self, text: str, tech: Tech, dbu: float, scale: int) -> None:
        self.boxes: dict[str, list[Box]] = defaultdict(list)
        self._routes = Routes(text, tech, scale)
        # Of one net: ends drawn short of a full corner, and half the width of a wire there by its direction
        self._corners: dict[tuple[str, int, int], dict[bool, int]] = defaultdict(dict)
        plain = {layer: round(w / dbu) for layer, w in tech.widths.items()}
        self._widths = {"": plain} | {name: plain | rule for name, rule in self._routes.rules.items()}

    def net(self, words: list[str]) -> tuple[str, list[str]]:
        """Draw a net's wires; returns its name and its vias, as routes that place nothing else."""
        name, drawn = self._routes.of(words)
        scale = self._routes.scale
        vias: list[str] = []
        self._corners.clear()
        for one in drawn:
            if isinstance(one, Segment):
                try:
                    self._segment(one)
                except (ValueError, KeyError) as e:
                    raise _unreadable(words, e) from e
            elif isinstance(one, Patch):
                self.boxes[one.layer].append(one.box)
            else:
                x, y = (c // scale for c in one.at)
                vias.append(" ".join(filter(None, [one.layer, f"( {x} {y} )", one.name, one.turned])))
        for (layer, x, y), halves in self._corners.items():
            if len(halves) == 2:  # both directions
                half = min(halves.values())
                self.boxes[layer].append((x - half, y - half, x + half, y + half))
        return name, vias

    def _segment(self, one: Segment) -> None:
        half, odd = divmod(self._widths[one.rule][one.layer], 2)
        if odd:
            raise ValueError(f"a wire of {one.layer} has no middle")
        self.boxes[one.layer].append(one.box(half))
        if one.start != one.end:
            for (x, y), extension in ((one.start, one.before), (one.end, one.beyond)):
                if extension is not None and extension < half:
                    self._corners[one.layer, x, y][one.start[1] == one.end[1]] = half


def _unreadable(words: list[str], e: Exception) -> FlowError:
    return FlowError(
        f"cannot read the routing of a net ({e})",
        where=" ".join(words[1:3]),
        hint="It is not what the router writes: harden again.",
    )


def _section(text: str, name: str) -> Iterator[list[str]]:
    found = re.search(rf"^[ \t]*{name}\s+\d+\s*;(.*?)^[ \t]*END {name}\b", text, re.S | re.M)
    return _statements(found.group(1)) if found else iter(())


def _four(words: list[str]) -> list[str]:
    if len(words) != 6 or (words[0], words[-1]) != ("(", ")"):
        raise ValueError(f"no rectangle: {' '.join(words)}")
    return words[1:-1]
