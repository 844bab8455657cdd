"""That a routed netlist computes what the mapped one does, cell by cell.

Every cell of the mapped netlist is found again by its name, and each of its functions must be the same
function of the same sources: outputs of other cells, ports, constants. Place and route may put buffers and
pairs of inverters in between, choose other strengths, swap pins that are alike, copy gates (those of clocks,
too: their state follows from their inputs in every low phase), take one gate for another that does the same,
and add cells without function. As flops and banks stand for each other one by one, both netlists then go
through the same states.
"""

__all__ = ["Found", "compare"]

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from signoff.routed_equiv.flat import Flat
from signoff.routed_equiv.function import MOST, ONE, STATE, Source, functions, is_sized, table
from signoff.routed_equiv.trace import Box, Traced
from signoff.timing.cells import Cell

_Key = tuple[str, tuple[str, ...], tuple[tuple[str, int], ...]]
_FREE = ("buffer", "inverter", "tie", "nothing")  # what place and route may add and take away
_COPIED = ("logic", "gate")  # and what it may copy


@dataclass
class Found:
    """How two netlists compare.

    Attributes:
        faults: One a cell or port; none when they are equivalent.
        cells: How many cells were compared; `flops` among them, `sources` of their pins and of ports.
        copies: Gates of the routed netlist that do the same as one of the mapped.
        added: Number of cells that only one netlist has, by role; less than 0 where the mapped has more.
    """

    faults: list[str] = field(default_factory=list)
    cells: int = 0
    flops: int = 0
    sources: int = 0
    copies: int = 0
    added: Counter[str] = field(default_factory=Counter)


def compare(mapped: Flat, routed: Flat, cells: Mapping[str, Cell], boxes: Mapping[str, Box]) -> Found:
    """Compare two netlists.

    Args:
        mapped: From synthesis.
        routed: From place and route.
        cells: What each kind of cell in either does.
        boxes: Kinds that are not looked into (banks), with the pin that is an output.
    """
    return _Proof(mapped, routed, cells, boxes).run()


class _Proof:
    def __init__(
        self, mapped: Flat, routed: Flat, cells: Mapping[str, Cell], boxes: Mapping[str, Box]
    ) -> None:
        self.cells = cells
        self.a = Traced(mapped, cells, boxes)
        self.b = Traced(routed, cells, boxes, self._original)
        self.found = Found()
        self._first: dict[_Key, str] | None = None  # outputs of mapped gates by what they do
        self._alike: dict[str, str] = {}  # of those that do the same, the first one

    def run(self) -> Found:
        out = self.found
        out.faults += [f"mapped: {f}" for f in self.a.faults] + [f"routed: {f}" for f in self.b.faults]
        wanted = [name for name, role in self.a.roles.items() if role not in _FREE]
        for name in wanted:
            if fault := self._cell(name):
                out.faults.append(fault)
        for name, role in self.b.roles.items():
            if role not in _FREE and name not in self.a.roles and (fault := self._extra(name)):
                out.faults.append(fault)
        self._ports()
        free = [Counter(r for r in traced.roles.values() if r in _FREE) for traced in (self.a, self.b)]
        out.added.update(free[1])
        out.added.subtract(free[0])
        return out

    def _ports(self) -> None:
        a, b = self.a.flat.ports, self.b.flat.ports
        for bit in sorted(a.keys() | b.keys()):
            if bit not in a or bit not in b or a[bit][0] != b[bit][0]:
                self.found.faults.append(f"port {bit} is not in both, or not of one direction")
            elif a[bit][0] != "input":
                self.found.sources += 1
                was, now = self.a.source(a[bit][1]), self.b.source(b[bit][1])
                if was != now and self._one_of_alike(was) != self._one_of_alike(now):
                    self.found.faults.append(f"port {bit} comes from {_told(now)}, not from {_told(was)}")

    def _cell(self, name: str) -> str:
        """What is wrong with the routed cell of that name, if anything."""
        was, now = self.a.flat.cells[name], self.b.flat.cells.get(name)
        if now is None or self.b.roles[name] != self.a.roles[name]:
            return f"{name} ({was.kind}) is {'missing' if now is None else f'a {now.kind}'}"
        old, new = self.a.pins(name), self.b.pins(name)
        if old != new:
            old, new = ({pin: self._one_of_alike(s) for pin, s in pins.items()} for pins in (old, new))
        self.found.cells += 1
        self.found.sources += len(old)
        self.found.flops += self.a.roles[name] == "flop"
        if self.a.roles[name] == "box":
            strange = f"{name} is a {now.kind}, not a {was.kind}" if was.kind != now.kind else ""
            differ = _differences(old, new)
            return strange or (f"{name}: {differ}" if differ else "")
        a, b = self.cells[was.kind], self.cells[now.kind]
        if is_sized(a, b) and old == new:
            return ""
        for label, same in _same(a, old, b, new).items():
            if not same:
                kinds = now.kind if is_sized(a, b) else f"a {now.kind}, was a {was.kind}"
                why = _differences(old, new) or "the sources are the same"
                return f"{name} ({kinds}): {label} is another function; {why}"
        return ""

    def _extra(self, name: str) -> str:
        """What is wrong with a routed cell that the mapped netlist lacks, unless it copies one."""
        kind = self.b.flat.cells[name].kind
        used = [pin for pin in self.b.outputs(name) if pin in self.b.flat.cells[name].nets]
        if self.b.roles[name] in _COPIED and all(self._original(name, pin) for pin in used):
            self.found.copies += 1
            return ""
        return f"{name} ({kind}) is not in the mapped netlist, and no copy of one of its gates"

    def _original(self, name: str, pin: str) -> Source | None:
        """The source that an output of a routed gate is a copy of; None for a gate with a name of its own."""
        if name in self.a.roles or self.b.roles[name] not in _COPIED:
            return None
        key = _key(self.cells[self.b.flat.cells[name].kind], pin, self.b.pins(name))
        known = self._by_function()
        return (known[key], False) if key in known else None

    def _by_function(self) -> Mapping[_Key, str]:
        if self._first is None:
            self._first = {}
            for other, role in self.a.roles.items():
                if role in _COPIED:
                    for output in self.a.outputs(other):
                        source = f"{other}/{output}"
                        key = _key(self.cells[self.a.flat.cells[other].kind], output, self.a.pins(other))
                        first = self._first.setdefault(key, source)
                        if first != source:
                            self._alike[source] = first
        return self._first

    def _one_of_alike(self, source: Source) -> Source:
        """The same source for gates of the mapped netlist that do the same."""
        self._by_function()
        return self._alike.get(source[0], source[0]), source[1]


def _same(a: Cell, old: Mapping[str, Source], b: Cell, new: Mapping[str, Source]) -> dict[str, bool]:
    """For each function that either cell has: whether both have it, and of the same sources."""
    first, second = functions(a), functions(b)
    nodes = _nodes(old, new)
    if len(nodes) > MOST:
        return dict.fromkeys(first, False)
    return {
        label: label in first
        and label in second
        and table(first[label], old, nodes) == table(second[label], new, nodes)
        for label in first.keys() | second.keys()
    }


def _key(cell: Cell, pin: str, sources: Mapping[str, Source]) -> _Key:
    """What an output is a function of, and which; of a clock gate all that it depends on."""
    nodes, told = _nodes(sources), {pin: cell.outputs[pin]}
    if cell.storage is not None:
        told = functions(cell)
    tables = ((label, table(e, sources, nodes)) for label, e in sorted(told.items()))
    return pin, tuple(nodes), tuple(tables)


def _nodes(*sources: Mapping[str, Source]) -> list[str]:
    return sorted({node for s in sources for node, _ in s.values()} - {ONE} | {STATE})


def _differences(old: Mapping[str, Source], new: Mapping[str, Source]) -> str:
    """The pins of a cell that have other sources."""
    differ = [pin for pin in sorted(old.keys() | new.keys()) if old.get(pin) != new.get(pin)]
    told = [f"{pin} comes from {_told(new.get(pin))}, not from {_told(old.get(pin))}" for pin in differ[:2]]
    return "; ".join(told)


def _told(source: Source | None) -> str:
    if source is None:
        return "nothing"
    node, inverted = source
    if node == ONE:
        return "0" if inverted else "1"
    return f"{'the inverse of ' if inverted else ''}{node}"
