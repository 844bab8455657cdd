"""How often every net of a die rises, from what its registers and memories held after each clock edge."""

__all__ = ["Counted", "Registers", "counted"]

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from rtl_gen.errors import FlowError
from signoff.netlist import CONSTANTS, Instance
from signoff.power.flat import OUTSIDE, FlatDie
from signoff.timing.cells import Cell, Expr, Flop, Gate, variables


@dataclass(frozen=True)
class Registers:
    """Whether registers and clock gates held what the cells before them give.

    Attributes:
        wrong: Those that took something else, or moved without their clock.
        planted: Whether one is found whose last sample is another, by what is wrong with it; empty for a die
            without any.
    """

    wrong: tuple[str, ...]
    planted: Mapping[str, bool]


@dataclass(frozen=True)
class Counted:
    """What was found in all samples.

    Attributes:
        rises: Of each net, by all of its names, from the first sample to the last; a net that nothing drives
            is left out.
        high: Share of the samples in which a net is 1, by its name in the flat netlist.
        registers: Of the die.
    """

    rises: Mapping[str, int]
    high: Mapping[str, float]
    registers: Registers


def counted(flat: FlatDie, cells: Mapping[str, Cell], states: Mapping[str, int], samples: int) -> Counted:
    """How often each net of a die rises, and whether its registers held what they should.

    What the simulation told of a net itself is counted as it told it, under that name: on the wires of the
    die the cells' functions are thus compared with the simulator's. So they are at every register: what it
    holds behind an edge of its clock must be what its input was before.

    Args:
        flat: The die.
        cells: What each of its cells does; what is not here is a memory, whose output is `q`.
        states: By name (signoff.gatesim.read_states), bit n of a number is the value in sample n.
        samples: Number of them.

    Raises:
        FlowError: The simulation did not tell a state, or there is a loop without one.
    """
    found = _Values(flat, cells, states, samples)
    values = found.all()
    rises = {}
    for net, names in flat.names.items():
        for name in names:
            value = states.get(name, values.get(net))
            if value is not None:
                # Bit n is 1 where sample n is 1 and the one before is not; the first has none before it.
                rises[name] = (value & ~(value << 1 | 1)).bit_count()
    high = {net: value.bit_count() / samples for net, value in values.items()}
    return Counted(rises, high, found.registers())


class _Values:
    """Samples of nets, by their names in the flat netlist; a cell's as soon as its inputs are known."""

    def __init__(
        self, flat: FlatDie, cells: Mapping[str, Cell], states: Mapping[str, int], samples: int
    ) -> None:
        self.cells, self.states, self.ones = cells, states, (1 << samples) - 1
        self.last = 1 << samples - 1
        self.instances = flat.netlist.instances
        self.held = {name.rsplit(".", 2)[0]: value for name, value in states.items() if name.endswith(".Q")}
        self.nets: dict[str, int] = {"0": 0, "1": self.ones, "?": 0, "": 0}

    def all(self) -> dict[str, int]:
        takers: dict[str, list[str]] = defaultdict(list)
        lacking: dict[str, int] = {}
        ready = []
        driven = {net for of in self.instances.values() for pin in self._outputs(of) for net in of.pins[pin]}
        for of in self.instances.values():
            needed = {net for pin in self._needed(of) for net in of.pins.get(pin, ())} & driven
            needed -= {"", *CONSTANTS}
            lacking[of.name] = len(needed)
            for net in needed:
                takers[net].append(of.name)
            if not needed:
                ready.append(of.name)
        while ready:
            of = self.instances[ready.pop()]
            for net, value in self._driven(of).items():
                self.nets[net] = value
                for taker in takers.pop(net, ()):
                    lacking[taker] -= 1
                    if not lacking[taker]:
                        ready.append(taker)
        if waiting := sorted(name for name, number in lacking.items() if number):
            raise FlowError(f"a loop of cells without a state: {', '.join(waiting[:3])}", where="netlist")
        return {net: value for net, value in self.nets.items() if net not in ("", *CONSTANTS)}

    def registers(self) -> Registers:
        """Registers that do not hold what their input was before the clock rose, or that move without it."""
        known = ((of, self.cells.get(of.cell)) for of in self.instances.values())
        all_of_them = [(of, cell) for of, cell in known if cell is not None and cell.storage is not None]
        wrong = tuple(of.name for of, cell in all_of_them if self._moved(of, cell, self._held(of.name)))
        planted = {}
        for of, cell in all_of_them[:1]:
            other = self._held(of.name) ^ self.last
            planted[f"{of.name} with another last state"] = bool(self._moved(of, cell, other) & self.last)
        return Registers(wrong, planted)

    def _moved(self, of: Instance, cell: Cell, held: int) -> int:
        """Samples in which a register that holds this holds what it should not."""
        pins = {pin: self.nets.get(nets[0], 0) for pin, nets in of.pins.items() if pin in cell.inputs}
        assert cell.storage is not None
        clock = pins[cell.storage.clock]
        before, others = held << 1, self.ones & ~1  # of the first sample nobody knows what was before
        if isinstance(cell.storage, Gate):
            open_to = self._value(cell.storage.enable, pins)
            return ((held ^ open_to) & (clock ^ self.ones)) | ((held ^ before) & clock & others)
        flop = cell.storage
        forced = [self._value(when, pins) for when in (flop.clear, flop.preset) if when is not None]
        free = others
        for when in forced:
            free &= ~when
        took = self._value(flop.data, {**pins, flop.state: held}) << 1
        rises = clock & ~(clock << 1)
        return (((held ^ took) & rises) | ((held ^ before) & ~rises)) & free

    def _outputs(self, of: Instance) -> list[str]:
        """Pins that it drives."""
        if of.cell == OUTSIDE:
            return ["out"]
        cell = self.cells.get(of.cell)
        return [pin for pin in of.pins if pin in (("q", "reads", "writes") if cell is None else cell.outputs)]

    def _needed(self, of: Instance) -> set[str]:
        """Pins that its outputs depend on at once."""
        if (cell := self.cells.get(of.cell)) is None:
            return set()
        return set().union(*map(variables, cell.outputs.values())) & set(cell.inputs)

    def _driven(self, of: Instance) -> dict[str, int]:
        if (cell := self.cells.get(of.cell)) is None:
            return {
                net: self._told(net if pin != "q" else f"{of.name}.q[{len(of.pins[pin]) - 1 - n}]")
                for pin in self._outputs(of)
                for n, net in enumerate(of.pins[pin])
                if net and net not in CONSTANTS
            }
        pins = {pin: self.nets.get(nets[0], 0) for pin, nets in of.pins.items() if pin in cell.inputs}
        if isinstance(cell.storage, Flop):
            pins[cell.storage.state] = self._held(of.name)
        opened = self._held(of.name) if isinstance(cell.storage, Gate) else self.ones
        return {
            of.pins[pin][0]: opened & self._value(function, pins)
            for pin, function in cell.outputs.items()
            if pin in of.pins and of.pins[pin][0]
        }

    def _held(self, instance: str) -> int:
        return _found(self.held, instance)

    def _told(self, name: str) -> int:
        return _found(self.states, name)

    def _value(self, e: Expr, pins: Mapping[str, int]) -> int:
        if isinstance(e, str):
            return pins.get(e, 0)
        op, *args = e
        first, *others = (self._value(a, pins) for a in args) if args else (0,)
        if op == "not":
            return first ^ self.ones
        if op == "mux":
            at_0, at_1 = others
            return (first & at_1) | (~first & at_0)
        if op in ("0", "1"):
            return self.ones if op == "1" else 0
        for other in others:
            first = first & other if op == "and" else first | other if op == "or" else first ^ other
        return first


def _found(among: Mapping[str, int], name: str) -> int:
    if name not in among:
        raise FlowError(
            f"the simulation did not tell what {name} held",
            where="states",
            hint="Run the step gatesim again.",
        )
    return among[name]
