"""A routed netlist without delays, as C: what all that holds a value holds in a later cycle, in a second.

Nothing rests on it: what a part of a timed run begins with is compared with what the part before ends with.
"""

__all__ = ["netlist_in_c"]

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from rtl_gen.errors import FlowError
from signoff.netlist import CONSTANTS, Instance, Netlist
from signoff.nets import Joined
from signoff.timing.cells import Cell, Flop, Gate, flatten

if TYPE_CHECKING:
    from signoff.gatesim.timed import Memory

_STATEMENTS = 500  # of a function: what takes a compiler a second at a time
_NET = re.compile(r"n\[(\d+)\]")
_INPUTS = ("clk", "rst", "rx_valid", "tx_ready")
_OUTPUTS = ("rx_ready", "tx_valid")
# By their numbers: nets that are always 0 and 1, and one for inputs that the netlist has not.
_FIXED = ("0", "1", "no net")
_SHOWN = 5


def netlist_in_c(netlist: Netlist, cells: Mapping[str, Cell], memories: Mapping[str, "Memory"]) -> str:
    """What `ahead.c` includes: the nets, and functions that move them.

    Args:
        netlist: Flat; one clock, `clk`.
        cells: What each of its cells does; no flop has a reset of its own.
        memories: Modules that are macros.

    Raises:
        FlowError: Cells are in a ring.
    """
    return _Writer(netlist, cells, memories).text()


class _Writer:
    def __init__(self, netlist: Netlist, cells: Mapping[str, Cell], memories: Mapping[str, "Memory"]) -> None:
        self.netlist, self.cells, self.memories = netlist, cells, memories
        self.same = Joined(netlist.aliases)
        self.numbers = {name: n for n, name in enumerate(_FIXED)}
        self.moves: dict[int, tuple[str, set[int]]] = {}  # by net: its statement, and nets it waits for
        self.flops: list[tuple[int, str]] = []  # state, statement
        self.gates = 0
        self.macros: list[str] = []
        self.pins: list[int] = []
        self.clocked: list[int] = []

    def text(self) -> str:
        for instance in self.netlist.instances.values():
            if instance.cell in self.memories:
                self._memory(instance, self.memories[instance.cell])
            else:
                self._cell(instance, self.cells[instance.cell])
        data = {way: self._data(way) for way in ("rx", "tx")}
        ports = [f"{name.upper()} = {self._port(name)}" for name in (*_INPUTS, *_OUTPUTS)]
        clocks, everything = self._ordered(self.clocked), self._ordered(self.moves)
        counts = [
            f"NETS = {len(self.numbers)}", f"FLOPS = {len(self.flops)}", f"GATES = {self.gates}",
            f"MEMORIES = {len(self.macros)}",
        ]  # fmt: skip
        return "\n".join([
            f"enum {{ {', '.join(counts + ports)} }};",
            "static bit n[NETS] = {0, 1}, next[FLOPS + 1], high[FLOPS + 1];",
            "static bit lets[GATES + 1], before[GATES + 1];",
            _table("int RX_DATA", data["rx"]), _table("int TX_DATA", data["tx"]),
            _table("int STATE", [state for state, _ in self.flops]),
            _table("int PINS", self.pins), _table("Memory MEMORY", self.macros or ["{0}"]),
            *_function("clocks", clocks), *_function("settle", everything),
            *_function("take", [statement for _, statement in self.flops]), "",
        ])  # fmt: skip

    def _number(self, net: str) -> int:
        """Of a net; what is unknown or on no net is 0."""
        if net in ("", *CONSTANTS):
            return int(net == "1")
        return self.numbers.setdefault(self.same.root(net), len(self.numbers))

    def _port(self, name: str) -> int:
        return self._number(name) if name in self.netlist.ports else _FIXED.index("no net")

    def _data(self, way: str) -> list[int]:
        """Nets of a port with bytes, the lowest first."""
        (name, *_) = [p for p in self.netlist.ports if re.fullmatch(rf"{way}_(?!valid$|ready$)\w+", p)] or [
            ""
        ]
        if not name:
            return [_FIXED.index("no net")] * 8
        bits = sorted(self.netlist.bits(name), key=lambda bit: int(bit.rpartition("[")[2].rstrip("]")))
        return [self._number(bit) for bit in bits]

    def _cell(self, instance: Instance, cell: Cell) -> None:
        pins = {p: f"n[{self._number(nets[0])}]" for p, nets in instance.pins.items()}
        kind = cell.storage
        if isinstance(kind, Flop):
            state = self.numbers.setdefault(f"state of {instance.name}", len(self.numbers))
            pins[kind.state] = f"n[{state}]"
            data, clock = flatten(kind.data, pins, mux=False), pins[kind.clock]
            self.flops.append((state, f"FLOP({len(self.flops)}, {pins[kind.state]}, {clock}, {data});"))
            self._clock(clock)
        for pin, expression in cell.outputs.items():
            if not instance.pins.get(pin, ("",))[0]:
                continue
            out = self._number(instance.pins[pin][0])
            if isinstance(kind, Gate):
                clock, enable = pins[kind.clock], flatten(kind.enable, pins, mux=False)
                # What it waits for is the clock: it asks for the enable when that rises.
                self.moves[out] = f"GATE({self.gates}, n[{out}], {clock}, {enable});", _nets(clock)
                self.gates += 1
                self._clock(clock)
            else:
                text = flatten(expression, pins, mux=False)
                self.moves[out] = f"n[{out}] = {text};", _nets(text)

    def _clock(self, net: str) -> None:
        self.clocked.extend(_nets(net))

    def _memory(self, instance: Instance, memory: "Memory") -> None:
        """Its pins in the order of `ahead.c`; of a bus the lowest first."""
        buses = {
            pin: [self._number(net) if net else _FIXED.index("no net") for net in reversed(nets)]
            for pin, nets in instance.pins.items()
        }
        order = ("clk", "enable", "a", "b_n", "select", "write", "d", "q")
        widths = [len(buses.get(pin, ())) for pin in order[3:]]
        self.macros.append(f"{{{memory.words}, {len(self.pins)}, {', '.join(map(str, widths))}}}")
        self.pins += [number for pin in order for number in buses.get(pin, ())]
        self.clocked += buses["clk"]

    def _ordered(self, wanted: Collection[int]) -> list[str]:
        """Statements of nets, each behind those of all that it waits for."""
        graph: dict[int, set[int]] = {}
        todo = [*wanted]
        while todo:
            net = todo.pop()
            if net in self.moves and net not in graph:
                graph[net] = self.moves[net][1] & self.moves.keys()
                todo += graph[net]
        try:
            return [self.moves[net][0] for net in TopologicalSorter(graph).static_order()]
        except CycleError as e:
            names = {number: name for name, number in self.numbers.items()}
            ring = ", ".join(names[net] for net in e.args[1][:_SHOWN])
            raise FlowError(f"cells are in a ring: {ring}", where="timed simulation") from e


def _nets(text: str) -> set[int]:
    return {int(number) for number in _NET.findall(text)}


def _table(name: str, items: Sequence[int | str]) -> str:
    return f"static const {name}[] = {{{', '.join(map(str, items or [0]))}}};"


def _function(name: str, statements: Sequence[str]) -> Iterator[str]:
    parts = range(0, len(statements), _STATEMENTS)
    for part in parts:
        yield f"static void {name}{part}(void) {{"
        yield from statements[part : part + _STATEMENTS]
        yield "}"
    yield f"static void {name}(void) {{ {' '.join(f'{name}{part}();' for part in parts)} }}"
