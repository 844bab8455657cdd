"""A routed design as its DEF tells it: what is placed where, the vias, and the wires of the supplies.

Nothing is shared with the stream-out, which made the layout from the same file.
"""

__all__ = ["Macro", "Place", "Port", "Routed", "Shapes", "read_macros", "read_vias"]

import contextlib
import functools
import re
from collections import Counter, defaultdict
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass

import klayout.db as kdb

from rtl_gen.errors import FlowError

Shapes = tuple[tuple[str, kdb.Box], ...]  # name of a layer, box in nm
Place = tuple[str, int, int, int]  # what stands there, how it is turned (`kdb.Trans.rot`), its origin in nm

_TURNS = {
    "N": kdb.Trans.R0.rot,
    "W": kdb.Trans.R90.rot,
    "S": kdb.Trans.R180.rot,
    "E": kdb.Trans.R270.rot,
    "FN": kdb.Trans.M90.rot,
    "FS": kdb.Trans.M0.rot,
    "FW": kdb.Trans.M45.rot,
    "FE": kdb.Trans.M135.rot,
}
_ROUTES = {"ROUTED", "FIXED", "COVER", "NOSHIELD", "NEW"}
_OPTIONS = {"SHAPE", "USE", "STYLE", "TAPERRULE", "NONDEFAULTRULE", "WEIGHT", "SOURCE"}  # and a value
_KNOWN = _OPTIONS | {"+", ";", "TAPER", "VIRTUAL"}


@dataclass(frozen=True)
class Macro:
    """A cell as its LEF tells it: size in nm, and what its supply pins are on wire layers."""

    width: int
    height: int
    supplies: Mapping[str, Shapes]


@dataclass(frozen=True)
class Port:
    """A pin of the design: INPUT, OUTPUT or INOUT; SIGNAL, POWER ...; its shapes in nm."""

    direction: str
    use: str
    shapes: Shapes


class Routed:
    """A placed and routed design, of which each part is read when it is asked for.

    Args:
        text: The DEF, in units of 1 nm.
        macros: Every cell that it may place.
        vias: Every via that it may place and does not define.

    Raises:
        FlowError: The text is cut short, or holds something that is not known here; from the properties, too.
    """

    def __init__(self, text: str, macros: Mapping[str, Macro], vias: Mapping[str, Shapes]) -> None:
        self.macros = macros
        self._text, self._vias = text, vias
        with _told():
            self.name = _found(r"^\s*DESIGN (\S+) ;", text)
            if (units := _found(r"^\s*UNITS DISTANCE MICRONS (\S+) ;", text)) != "1000":
                raise ValueError(f"{units} units a micrometre")

    @functools.cached_property
    def placed(self) -> Mapping[str, Place]:
        """Where each cell stands, by its name."""
        with _told():
            offsets = {name: _offsets(macro) for name, macro in self.macros.items()}
            found = [
                (words[0], _component(words, offsets)) for words in _statements(self._text, "COMPONENTS")
            ]
            if len(names := dict(found)) != len(found):
                raise ValueError("two cells of one name")
            return {name.replace("\\", ""): place for name, place in names.items()}

    @functools.cached_property
    def cells(self) -> Counter[Place]:
        """How often each cell stands at each place."""
        return Counter(self.placed.values())

    @functools.cached_property
    def ports(self) -> Mapping[str, Port]:
        """Pins of the design, by name."""
        with _told():
            return {w[0].replace("\\", ""): _port(w) for w in _statements(self._text, "PINS")}

    @functools.cached_property
    def via_shapes(self) -> Mapping[str, Shapes]:
        """Shapes of every via that it may place."""
        with _told():
            own = {words[0]: _generated(words) for words in _statements(self._text, "VIAS")}
        return {**self._vias, **own}

    @functools.cached_property
    def vias(self) -> Counter[Place]:
        """How often each via stands at each place."""
        total: Counter[Place] = Counter()
        for of_net in (*self._nets.vias.values(), *self._special.vias.values()):
            total.update(of_net)
        return +total

    @property
    def supply_vias(self) -> Mapping[str, Counter[Place]]:
        """Vias of each supply."""
        return self._special.vias

    @property
    def lengths(self) -> Mapping[str, Counter[str]]:
        """Length in nm of the wires of each net that is no supply, by layer."""
        return {net.replace("\\", ""): lengths for net, lengths in self._nets.lengths.items()}

    @functools.cached_property
    def supply_wires(self) -> Mapping[str, Shapes]:
        """Wires of each supply."""
        return {net: tuple(shapes) for net, shapes in self._special.wires.items()}

    @property
    def supply_of(self) -> Mapping[str, str]:
        """The supply that a pin is on in all cells, by the pin's name."""
        return self._special.supply_of

    @functools.cached_property
    def _nets(self) -> "_Routes":
        with _told():
            return _Routes(self._text, "NETS", self.via_shapes)

    @functools.cached_property
    def _special(self) -> "_Routes":
        with _told():
            return _Routes(self._text, "SPECIALNETS", self.via_shapes)


def read_macros(lef: str) -> dict[str, Macro]:
    """Every macro of a LEF text."""
    found = {}
    for name, text in re.findall(r"^MACRO (\S+)$(.*?)^END \1$", lef, re.S | re.M):
        size = re.search(r"^\s*SIZE\s+([\d.]+)\s+BY\s+([\d.]+)\s*;", text, re.M)
        if size is None:
            raise FlowError("no SIZE of a macro in the LEF", where=name, hint="Install the PDK's kit again.")
        supplies = {
            pin: _rectangles(body)
            for pin, body in re.findall(r"^\s*PIN (\S+)\s*$(.*?)^\s*END \1\s*$", text, re.S | re.M)
            if re.search(r"^\s*USE (POWER|GROUND) ;", body, re.M)
        }
        found[name] = Macro(_nm(size.group(1)), _nm(size.group(2)), supplies)
    return found


def read_vias(lef: str) -> dict[str, Shapes]:
    """Every fixed via of a LEF text."""
    vias = re.findall(r"^VIA (\S+).*?$(.*?)^END \1\s*$", lef, re.S | re.M)
    return {name: _rectangles(body) for name, body in vias}


class _Routes:
    """The routes of the nets of a section, word by word; those of special nets have a width of their own."""

    def __init__(self, text: str, section: str, known: Container[str]) -> None:
        self.vias: defaultdict[str, Counter[Place]] = defaultdict(Counter)
        self.lengths: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.supply_of: dict[str, str] = {}
        self.wires: dict[str, list[tuple[str, kdb.Box]]] = defaultdict(list)
        self._read(iter(_section(text, section).split()), known, wide=section == "SPECIALNETS")

    def _read(self, words: Iterator[str], known: Container[str], *, wide: bool) -> None:
        net = layer = via = ""
        width = 0
        point: tuple[int, int] | None = None
        for word in words:
            turn, via = via, ""
            if word == "(":
                inside = list(iter(words.__next__, ")"))
                if not layer:
                    if wide and inside[0] != "PIN" and self.supply_of.setdefault(inside[1], net) != net:
                        raise ValueError(f"{inside[1]} is on {self.supply_of[inside[1]]} and on {net}")
                    continue
                to = _point(inside, point)
                if wide and point is not None:
                    self.wires[net].append((layer, _wire(point, to, width)))
                elif point is not None:
                    self.lengths[net][layer] += abs(to[0] - point[0]) + abs(to[1] - point[1])
                point = to
            elif word in _ROUTES:
                layer, point = next(words), None
                width = int(next(words)) if wide else 0
            elif layer and point is not None and word in known:
                self.vias[net][word, _TURNS["N"], *point] += 1
                via = word
            elif turn and point is not None and word in _TURNS:
                self.vias[net][turn, _TURNS["N"], *point] -= 1
                self.vias[net][turn, _TURNS[word], *point] += 1
            elif word == "RECT":
                _ = list(iter(words.__next__, ")"))  # a patch of metal beside the last point
            elif word == "-":
                net, layer = next(words), ""
            elif layer and word not in _KNOWN:
                raise ValueError(f"{word} in the routing of {net}")
            elif word in _OPTIONS:
                next(words)


def _point(words: list[str], last: tuple[int, int] | None) -> tuple[int, int]:
    if last is None:
        return int(words[0]), int(words[1])
    x, y = (was if word == "*" else int(word) for word, was in zip(words[:2], last, strict=True))
    return x, y


def _wire(a: tuple[int, int], b: tuple[int, int], width: int) -> kdb.Box:
    """A wire of the supplies: it ends at its points."""
    half, odd = divmod(width, 2)
    if odd or (a[0] != b[0] and a[1] != b[1]):
        raise ValueError(f"no straight wire with a middle from {a} to {b}, {width} wide")
    box = kdb.Box(kdb.Point(*a), kdb.Point(*b))
    return box.enlarged(0, half) if a[1] == b[1] else box.enlarged(half, 0)


def _offsets(macro: Macro) -> dict[str, tuple[int, int]]:
    """From the lower left corner of a cell to its origin, by how it is turned."""
    boxes = {
        turn: kdb.Trans(rot % 4, rot >= 4, 0, 0) * kdb.Box(0, 0, macro.width, macro.height)
        for turn, rot in _TURNS.items()
    }
    return {turn: (-box.left, -box.bottom) for turn, box in boxes.items()}


def _component(words: list[str], offsets: Mapping[str, Mapping[str, tuple[int, int]]]) -> Place:
    cell = words[1]
    placed = [n for n, word in enumerate(words) if word in ("PLACED", "FIXED", "COVER")]
    if len(placed) != 1:
        raise ValueError(f"{words[0]} has no place")
    at = placed[0]
    x, y, turn = int(words[at + 2]), int(words[at + 3]), words[at + 5]
    dx, dy = offsets[cell][turn]
    return cell, _TURNS[turn], x + dx, y + dy


def _port(words: list[str]) -> Port:
    told: dict[str, str] = {}
    shapes: list[tuple[str, kdb.Box]] = []
    place, layer = kdb.Trans(), ""
    rest = iter(words[1:])
    for word in rest:
        if word in ("DIRECTION", "USE"):
            told[word] = next(rest)
        elif word == "LAYER":
            layer = next(rest)
        elif word in ("PLACED", "FIXED"):
            x, y = list(iter(rest.__next__, ")"))[1:]
            turn = _TURNS[next(rest)]
            place = kdb.Trans(turn % 4, turn >= 4, int(x), int(y))
        elif word == "(":
            corner = list(iter(rest.__next__, ")"))
            other = list(iter(rest.__next__, ")"))[1:]
            shapes.append((layer, kdb.Box(*map(int, corner + other))))
    return Port(told["DIRECTION"], told.get("USE", "SIGNAL"), tuple((on, place * box) for on, box in shapes))


def _generated(words: list[str]) -> Shapes:
    """Shapes of a via that the DEF defines by a rule: rows and columns of cuts, and metal around them."""
    told: dict[str, list[str]] = {}
    for word in words[1:]:
        if word == "+":
            key = ""
        elif not key:
            key, told[word] = word, []
        else:
            told[key].append(word)
    if set(told) - {"VIARULE", "CUTSIZE", "LAYERS", "CUTSPACING", "ENCLOSURE", "ROWCOL"}:
        raise ValueError(f"via {words[0]} has {' '.join(told)}")
    lower, cut, upper = told["LAYERS"]
    (w, h), (dx, dy) = (tuple(map(int, told[key])) for key in ("CUTSIZE", "CUTSPACING"))
    rows, columns = map(int, told.get("ROWCOL", ["1", "1"]))
    width, height = columns * (w + dx) - dx, rows * (h + dy) - dy
    around = kdb.Box(-(width // 2), -(height // 2), width - width // 2, height - height // 2)
    first = kdb.Box(around.left, around.bottom, around.left + w, around.bottom + h)
    cuts = [first.moved(c * (w + dx), r * (h + dy)) for r in range(rows) for c in range(columns)]
    below_x, below_y, above_x, above_y = map(int, told["ENCLOSURE"])
    return (
        (lower, around.enlarged(below_x, below_y)),
        *((cut, box) for box in cuts),
        (upper, around.enlarged(above_x, above_y)),
    )


def _rectangles(text: str) -> Shapes:
    """RECT entries of a LEF, with the layers that they are on."""
    shapes, layer = [], ""
    for key, rest in re.findall(r"^\s*(LAYER|RECT)\s+(.*?)\s*;", text, re.M):
        if key == "LAYER":
            layer = rest.split()[0]
        else:
            shapes.append((layer, kdb.Box(*(_nm(word) for word in rest.split()))))
    return tuple(shapes)


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """What is wrong with the text, said for people."""
    try:
        yield
    except (ValueError, IndexError, KeyError, StopIteration) as e:
        raise FlowError(
            f"cannot read the routed design ({e})",
            where="layout.def",
            hint="It is not what the router writes: harden again.",
        ) from e


def _section(text: str, name: str) -> str:
    return _found(rf"^[ \t]*{name}\s+\d+\s*;(.*?)^[ \t]*END {name}\b", text)


def _statements(text: str, name: str) -> Iterator[list[str]]:
    """Words of each statement of a section that may be missing, without the leading dash."""
    if not re.search(rf"^[ \t]*{name}\s+\d+\s*;", text, re.M):
        return
    for statement in re.split(r"\s;\s", _section(text, name)):
        if words := statement.split():
            yield words[1:]


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text, re.S | re.M)
    if match is None:
        raise ValueError(f"no {pattern.split('(')[0].strip('^$').strip()}")
    return match.group(1)


def _nm(um: str) -> int:
    return round(float(um) * 1000)
