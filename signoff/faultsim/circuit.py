"""A netlist as tables for the simulator of many lanes: operations in an order that can be computed."""

__all__ = ["Circuit", "compile_circuit"]

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from rtl_gen.errors import FlowError
from rtl_gen.golden.rom import RomGeometry
from signoff.nets import Joined
from signoff.routed_equiv.flat import Flat, FlatCell
from signoff.timing.cells import Cell, Expr, Flop, Gate

# As in engine.c
OPS = ("and", "nand", "or", "nor", "xor", "xnor", "mux", "not", "mux4", "bank")
INVERTED = {"and": "nand", "or": "nor", "xor": "xnor"}
BANK = OPS.index("bank")
ROW = "core.rom_row[{}]"  # nets of the row's register; its lowest bits are the column's number
Step = tuple[int, ...]  # operation, output, six inputs
INPUTS = 6


@dataclass
class Circuit:
    """Numbered nets and what computes them.

    Attributes:
        nets: Number of each net by name; 0 and 1 are the constants.
        size: Numbers given, those of inner nodes of cells among them.
        steps: int32 [n, 8]: operation, output and inputs; of a bank its number.
        runs: int32 [n, 3]: operation, first step and number of steps of a run of equal ones.
        flops: int32 [n, 2]: D and Q, by group.
        groups: int32 [n, 3]: net of the enable (-1: none), first flop and number.
        word_lines: int32 [banks, lines, 2]: nets of which each word line is the AND.
        bit_lines: int32 [banks, lines].
        columns: int32 [bits of the column's number], the lowest first.
        ports: Number of the net on each port, by bit.
    """

    nets: dict[str, int] = field(default_factory=lambda: {"0": 0, "1": 1, "?": 0})
    size: int = 2
    steps: np.ndarray = field(default_factory=lambda: np.zeros((0, 2 + INPUTS), np.int32))
    runs: np.ndarray = field(default_factory=lambda: np.zeros((0, 3), np.int32))
    flops: np.ndarray = field(default_factory=lambda: np.zeros((0, 2), np.int32))
    groups: np.ndarray = field(default_factory=lambda: np.zeros((0, 3), np.int32))
    word_lines: np.ndarray = field(default_factory=lambda: np.zeros((0, 0, 2), np.int32))
    bit_lines: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.int32))
    columns: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))
    ports: dict[str, int] = field(default_factory=dict)


def compile_circuit(
    flat: Flat, cells: Mapping[str, Cell], bank: str, geometry: RomGeometry, clock: str
) -> Circuit:
    """Tables of a netlist.

    Args:
        flat: The netlist.
        cells: What each kind of cell does.
        bank: Kind of the ROM banks, whose names end in their number.
        geometry: Of the ROM.
        clock: Port of the only clock.

    Raises:
        FlowError: A flop has another clock or is set or cleared, or logic feeds itself.
    """
    return _Compiler(flat, cells, bank, geometry, clock).run()


class _Compiler:
    def __init__(
        self, flat: Flat, cells: Mapping[str, Cell], bank: str, geometry: RomGeometry, clock: str
    ) -> None:
        self.flat, self.cells, self.geometry, self.bank = flat, cells, geometry, bank
        self.clock = flat.ports[clock][1]
        self.c = Circuit()
        self.same = Joined()  # nets behind buffers
        self.steps: list[Step] = []
        self.stored: dict[int, list[tuple[int, int]]] = {}

    def run(self) -> Circuit:
        logic: list[FlatCell] = []
        flops: list[tuple[FlatCell, Flop]] = []
        gates: dict[str, tuple[FlatCell, Gate]] = {}
        banks: dict[int, FlatCell] = {}
        for name, cell in self.flat.cells.items():
            if cell.kind == self.bank:
                banks[int(name.rpartition("bank")[2])] = cell
                continue
            does = self.cells[cell.kind]
            if isinstance(does.storage, Flop):
                flops.append((cell, does.storage))
            elif isinstance(does.storage, Gate):
                (pin,) = does.outputs
                gates[cell.nets[pin]] = cell, does.storage
            else:
                logic.append(cell)
                for pin, e in does.outputs.items():
                    if isinstance(e, str) and pin in cell.nets and e in cell.nets:
                        self.same.join(cell.nets[pin], cell.nets[e])
        # The clock is low while logic settles
        self.c.nets[self.clock] = 0
        for cell in logic:
            does = self.cells[cell.kind]
            for pin, e in does.outputs.items():
                if pin in cell.nets and not isinstance(e, str):
                    self._compute(e, cell.nets, self._net(cell.nets[pin]))
        for cell, flop in flops:
            self._flop(cell, flop, gates)
        self._banks(banks)
        self.c.ports = {bit: self._net(net) for bit, (_, net) in self.flat.ports.items()}
        self._sort()
        self._flops()
        return self.c

    def _net(self, net: str) -> int:
        net = self.same.root(net)
        if net not in self.c.nets:
            self.c.nets[net] = self._new()
        return self.c.nets[net]

    def _new(self) -> int:
        self.c.size += 1
        return self.c.size - 1

    def _compute(self, e: Expr, nets: Mapping[str, str], out: int | None = None) -> int:
        """Operations for an expression of a cell's pins; the number of the node that has its value."""
        if isinstance(e, str):
            found = self._net(nets[e]) if e in nets else 0
            return found if out is None else self._step("or", found, found, out=out)
        op: str = e[0]
        args = list(e[1:])
        if op in ("0", "1"):
            return int(op) if out is None else self._step("or", int(op), int(op), out=out)
        if op == "not" and isinstance(args[0], tuple) and args[0][0] in INVERTED:
            inner, *args = args[0]
            op = INVERTED[inner]
        if op == "not":
            return self._step("not", self._compute(args[0], nets), out=out)
        if op == "mux" and isinstance(args[1], tuple) and isinstance(args[2], tuple):
            (one, by, *low), (two, as_well, *high) = args[1], args[2]
            if (one, two) == ("mux", "mux") and by == as_well:
                data = [self._compute(a, nets) for a in (*low, *high, by, args[0])]
                return self._step("mux4", *data, out=out)
        values = [self._compute(a, nets) for a in args]
        if op == "mux":
            return self._step("mux", *values[1:], values[0], out=out)
        plain = {v: k for k, v in INVERTED.items()}.get(op, op)
        for value in values[1:-1]:
            values[0] = self._step(plain, values[0], value)
        return self._step(op, values[0], values[-1], out=out)

    def _step(self, op: str, *inputs: int, out: int | None = None) -> int:
        out = self._new() if out is None else out
        self.steps.append((OPS.index(op), out, *inputs, *[0] * (INPUTS - len(inputs))))
        return out

    def _flop(self, cell: FlatCell, flop: Flop, gates: Mapping[str, tuple[FlatCell, Gate]]) -> None:
        if flop.clear is not None or flop.preset is not None:
            raise _strange(f"{cell.kind} is set or cleared without a clock")
        clock, enable = self.same.root(cell.nets[flop.clock]), -1
        if clock in gates:
            gate, does = gates[clock]
            clock = self.same.root(gate.nets[does.clock])
            enable = self._compute(does.enable, gate.nets)
        if clock != self.clock:
            raise _strange(f"a {cell.kind} is clocked by {clock}")
        data = self._compute(flop.data, cell.nets)
        for pin, e in self.cells[cell.kind].outputs.items():
            if pin not in cell.nets:
                continue
            if e != flop.state:
                raise _strange(f"{pin} of {cell.kind} is not what it stores")
            self.stored.setdefault(enable, []).append((data, self._net(cell.nets[pin])))

    def _banks(self, banks: Mapping[int, FlatCell]) -> None:
        g = self.geometry
        if sorted(banks) != list(range(g.banks)):
            raise _strange(f"banks {sorted(banks)}, expected {g.banks}")
        order = sorted(banks)
        lines = [[banks[n].nets[f"WL[{i}]"] for i in range(g.word_lines)] for n in order]
        maker = {step[1]: step for step in self.steps}
        pairs = [[self._pair(maker.get(self._net(net)), self._net(net)) for net in some] for some in lines]
        self.c.word_lines = np.array(pairs, np.int32)
        within = {self._net(net) for some in lines for net in some}
        self.steps = [s for s in self.steps if s[1] not in within]
        self.c.bit_lines = np.array(
            [[self._net(banks[n].nets[f"BL[{i}]"]) for i in range(g.bit_lines)] for n in order], np.int32
        )
        columns = [ROW.format(i) for i in range((g.mux - 1).bit_length())]
        known = {net for cell in self.flat.cells.values() for net in cell.nets.values()}
        if lost := [net for net in columns if net not in known]:
            raise _strange(f"no net is called {lost[0]}, the number of the column")
        self.c.columns = np.array([self._net(net) for net in columns], np.int32)
        self.steps += [(BANK, n, *[0] * INPUTS) for n in order]

    def _pair(self, step: Step | None, net: int) -> tuple[int, int]:
        """The two nets of which a word line is the AND, if a gate of its own makes it."""
        return (step[2], step[3]) if step is not None and step[0] == OPS.index("and") else (net, 1)

    def _inputs(self, step: Step) -> Iterable[int]:
        if step[0] == BANK:
            return [*self.c.word_lines[step[1]].reshape(-1).tolist(), *self.c.columns.tolist()]
        return step[2:]

    def _sort(self) -> None:
        """Steps by level, and within one by operation."""
        outputs = [self.c.bit_lines[s[1]].tolist() if s[0] == BANK else [s[1]] for s in self.steps]
        maker = {net: n for n, nets in enumerate(outputs) for net in nets}
        level = _levels([[maker[i] for i in self._inputs(s) if i in maker] for s in self.steps])
        order = sorted(range(len(self.steps)), key=lambda n: (level[n], self.steps[n][0], n))
        steps = np.array([self.steps[n] for n in order], np.int32)
        key = np.array([level[n] for n in order]) * len(OPS) + steps[:, 0]
        first = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]) | (steps[:, 0] == BANK))
        many = np.diff(np.append(first, len(steps)))
        runs = np.stack([steps[first, 0], first, many], 1)
        runs[:, 1] = np.where(runs[:, 0] == BANK, steps[first, 1], runs[:, 1])
        self.c.steps, self.c.runs = steps, runs.astype(np.int32)

    def _flops(self) -> None:
        flops: list[tuple[int, int]] = []
        groups: list[tuple[int, int, int]] = []
        for enable, pairs in self.stored.items():
            groups.append((enable, len(flops), len(pairs)))
            flops += pairs
        self.c.flops, self.c.groups = np.array(flops, np.int32), np.array(groups, np.int32)


def _levels(needs: list[list[int]]) -> list[int]:
    """Of each step one more than the highest that it needs."""
    level = [-1] * len(needs)
    for start in range(len(needs)):
        stack = [start]
        while stack:
            n = stack[-1]
            if level[n] >= 0:
                stack.pop()
                continue
            if level[n] == -1:
                level[n] = -2  # begun
                open_ = [m for m in needs[n] if level[m] < 0]
                if any(level[m] == -2 for m in open_):
                    raise _strange("logic feeds itself")
                stack += open_
                if open_:
                    continue
            level[n] = 1 + max((level[m] for m in needs[n]), default=-1)
            stack.pop()
    return level


def _strange(what: str) -> FlowError:
    return FlowError(
        f"the netlist cannot be simulated in lanes: {what}", hint="See signoff/faultsim/circuit.py."
    )
