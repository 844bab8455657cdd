"""A routed netlist with the delays of its SDF, as Verilog that Icarus runs fast.

Every instance is written out: a combinational cell as its function of input pins, each of which is the net
behind the wire's delay plus the path's through the cell; a flop as a primitive whose output is delayed. That
is faster than `specify` blocks, whose delays Icarus looks up at each event, and says the same.
"""

__all__ = ["Limits", "Memory", "TimedDesign", "timed_design"]

import random
from collections.abc import Mapping
from dataclasses import dataclass

from rtl_gen.errors import FlowError
from signoff.gatesim.ahead import netlist_in_c
from signoff.netlist import CONSTANTS, Instance, Netlist
from signoff.nets import Joined
from signoff.timing.cells import Cell, Expr, Flop, Gate, flatten, variables
from signoff.timing.sdf import Check, Delay, Sdf, Timing
from signoff.timing.sense import sense

_NONE = (0.0, 0.0)


@dataclass
class Limits:
    """How many of the SDF's numbers are in the Verilog.

    Attributes:
        paths: Delays through cells; `wires`: on the way to them.
        checks: Setup and hold limits; `widths`: of pulses.
        missing: Pins without a delay, as "instance/pin".
    """

    paths: int
    wires: int
    checks: int
    widths: int
    missing: list[str]


@dataclass(frozen=True)
class Memory:
    """A macro with digital pins: `clk`, inputs that are steady while it is low, outputs `q`.

    Attributes:
        words: Of it.
        rom: Whether the file that its parameter INIT names has its contents; an SRAM begins with random ones.
    """

    words: int
    rom: bool


@dataclass(frozen=True)
class TimedDesign:
    """The text, to be put into a module.

    Attributes:
        body: Nets and cells.
        watch: The limits, and all that holds a value, as `limits.c` reads them; `watched`: nets in them.
        begin: Random values of all that holds one, as `limits.c` and `ahead.c` read them.
        ahead: The netlist without delays, which `ahead.c` includes.
        ports: Net by bit of a port, such as "rx_data[3]".
    """

    body: str
    watch: str
    begin: str
    ahead: str
    watched: frozenset[str]
    ports: Mapping[str, str]
    limits: Limits


def timed_design(
    netlist: Netlist,
    sdf: Sdf,
    cells: Mapping[str, Cell],
    memories: Mapping[str, Memory],
    seed: int = 1,
) -> TimedDesign:
    """Write a netlist out.

    Args:
        netlist: Flat.
        sdf: Delays of the same netlist.
        cells: What each of its cells does.
        memories: Modules that are macros.
        seed: Of the values that registers start with.

    Raises:
        FlowError: An instance has no delays, is another cell in the SDF, or is not known.
            Cells are in a ring.
    """
    return _Writer(netlist, sdf, cells, memories, seed).write()


class _Writer:
    def __init__(
        self,
        netlist: Netlist,
        sdf: Sdf,
        cells: Mapping[str, Cell],
        memories: Mapping[str, Memory],
        seed: int,
    ) -> None:
        self.netlist, self.sdf, self.cells = netlist, sdf, cells
        self.memories = memories
        self.inverted: dict[int, int] = {}
        self.random = random.Random(seed)
        self.out: list[str] = []
        self.limits = Limits(0, 0, 0, 0, [])
        self.numbers: dict[str, int] = {}
        self.same = Joined(netlist.aliases)
        self.widths: dict[int, tuple[str, int, int]] = {}
        self.watch: list[str] = []
        self.begin: list[str] = []
        self.watched: set[str] = set()

    def write(self) -> TimedDesign:
        for instance in self.netlist.instances.values():
            cell = self.cells.get(instance.cell)
            timing = self.sdf.cells.get(instance.name)
            if timing is not None and timing.cell != instance.cell:
                raise FlowError(
                    f"{instance.name} is a {instance.cell}, and a {timing.cell} in the SDF",
                    hint="Netlist and SDF are of different runs: restore the hardened artifact.",
                )
            if instance.cell in self.memories:
                self._memory(instance, timing or Timing(instance.cell), self.memories[instance.cell])
            elif cell is None:
                raise FlowError(f"cell {instance.cell} of {instance.name} is not known")
            else:
                self._cell(instance, cell, timing or Timing(instance.cell))
        for number, (name, low, high) in sorted(self.widths.items()):
            self._limit("width", name, [number], low, high)
        ports = {bit: self.net(bit) for bit in self.netlist.port_bits}
        wires = [f"wire n{n};" for n in self.numbers.values()]
        parts = [*wires, "event scf_known;", *self.out], self.watch, self.begin
        body, watch, begin = ("\n".join([*lines, ""]) for lines in parts)
        ahead = netlist_in_c(self.netlist, self.cells, self.memories)
        return TimedDesign(body, watch, begin, ahead, frozenset(self.watched), ports, self.limits)

    def net(self, name: str) -> str:
        if name in CONSTANTS:
            return f"1'b{name.replace('?', 'x')}"
        return f"n{self.number(name)}"

    def _limit(self, kind: str, name: str, nets: list[int], *values: int) -> None:
        self.watch.append(" ".join(map(str, (kind, name, *nets, *values))))
        self.watched |= {f"n{net}" for net in nets}

    def number(self, name: str) -> int:
        return self.numbers.setdefault(self.same.root(name), len(self.numbers))

    def _cell(self, instance: Instance, cell: Cell, timing: Timing) -> None:
        at = len(self.out)
        pins = {p: self.net(n[0]) for p, n in instance.pins.items() if n[0]}
        outputs = {o: e for o, e in cell.outputs.items() if o in pins}
        if isinstance(cell.storage, Flop):
            self._flop(at, instance, cell.storage, outputs, pins, timing)
        elif isinstance(cell.storage, Gate):
            gate = cell.storage
            clock = pins[gate.clock]
            enable = flatten(gate.enable, pins, mux=True)
            self.out.append(f"wire g{at}; scf_gate u{at} (g{at}, {enable}, {clock});")
            for pin in outputs:
                delay = _told(*self._delays(instance, timing, gate.clock, pin, 1))
                self.out.append(f"assign {delay} {pins[pin]} = g{at};")
            self._check(instance, gate.clock, timing)
        else:
            for pin, expression in outputs.items():
                names, sources = {}, sorted(variables(expression))
                for source in sources:
                    way = sense(expression, source)
                    delays = self._delays(instance, timing, source, pin, way)
                    if len(sources) == 1 and way:  # a buffer or inverter, as every fourth cell: one event
                        told = _told(*(delays if way > 0 else reversed(delays)))
                        self.out.append(f"assign {told} {pins[pin]} = {flatten(expression, pins, mux=True)};")
                        break
                    names[source] = f"i{at}_{pin}_{source}"
                    self.out.append(
                        f"wire {names[source]}; assign {_told(*delays)} {names[source]} = {pins[source]};"
                    )
                else:
                    self.out.append(f"assign {pins[pin]} = {flatten(expression, names, mux=True)};")

    def _flop(
        self,
        at: int,
        instance: Instance,
        flop: Flop,
        outputs: Mapping[str, Expr],
        pins: Mapping[str, str],
        timing: Timing,
    ) -> None:
        if flop.clear is not None or flop.preset is not None:
            raise FlowError(f"{instance.name} is a flop with a reset of its own: none is known here")
        number = self.numbers.setdefault(f"state of {instance.name}", len(self.numbers))
        state, start = f"n{number}", self.random.getrandbits(1)
        names = {**pins, flop.state: state}
        data, clock = flatten(flop.data, names, mux=True), pins[flop.clock]
        self.out.append(f"scf_flop{start} u{at} ({state}, {data}, {clock});")
        self.watch.append(f"flop {instance.name} {number}")
        self.watched.add(state)
        self.begin.append(f"flop {instance.name} {start}")
        for pin, expression in outputs.items():
            way = 0 if expression != flop.state else 1
            delay = _told(*self._delays(instance, timing, flop.clock, pin, way))
            self.out.append(f"assign {delay} {pins[pin]} = {flatten(expression, names, mux=True)};")
        self._check(instance, flop.clock, timing)

    def _delays(
        self, instance: Instance, timing: Timing, source: str, pin: str, sense: int
    ) -> tuple[float, float]:
        """Delays of a rising and of a falling change, of the input if `sense` is not that of an output."""
        path = timing.paths.get((source, pin))
        if path is None:
            self.limits.missing.append(f"{instance.name}/{source}")
            path = Delay()
        else:
            self.limits.paths += 1
        wire = self.sdf.wires.get((instance.name, source), Delay())
        self.limits.wires += (instance.name, source) in self.sdf.wires
        rise, fall = _longest(path.rise, path.fall), _longest(path.fall, path.rise)
        if sense == 0:
            rise = fall = max(rise, fall)
        elif sense < 0:
            rise, fall = fall, rise
        up, down = _longest(wire.rise, wire.fall), _longest(wire.fall, wire.rise)
        return rise + up, fall + down

    def _check(self, instance: Instance, clock: str, timing: Timing) -> None:
        """Hand over the limits of a flop or clock gate; of pulses on a clock net, the widest asked for."""
        place = instance.pins[clock][0]
        late = _middle(self.sdf.wires.get((instance.name, clock)))
        table: dict[str, dict[tuple[str, bool], float]] = {}
        for check in timing.checks:
            if check.kind in ("SETUP", "HOLD") and check.clock == clock and check.clock_rising:
                table.setdefault(check.pin, {})[check.kind, check.rising] = check.limit
            elif check.kind == "WIDTH" and check.pin == clock:
                self._width(place, instance.name, check)
        for pin, limits in table.items():
            (data,) = instance.pins[pin]
            if data in ("", *CONSTANTS):
                continue
            own = self.sdf.wires.get((instance.name, pin))
            numbers = [_ps(limits.get((k, r), 0.0)) for k in ("SETUP", "HOLD") for r in (True, False)]
            nets = [self.number(data), self.number(place)]
            self._limit("check", instance.name, nets, *numbers, _ps(late - _middle(own)))
            self.limits.checks += len(limits)

    def _width(self, place: str, instance: str, check: Check) -> None:
        name, low, high = self.widths.get(self.number(place), (instance, 0, 0))
        limit = _ps(check.limit)
        low, high = (low, max(high, limit)) if check.rising else (max(low, limit), high)
        self.widths[self.number(place)] = name, low, high
        self.limits.widths += 1

    def _memory(self, instance: Instance, timing: Timing, memory: Memory) -> None:
        """A macro as its model has it, with the SDF's delays on its way in and out."""
        at = len(self.out)
        joins = []
        for port, nets in instance.pins.items():
            inside = f"m{at}_{port}"
            joins.append(f".{port}({inside})")
            self.out.append(f"wire [{len(nets) - 1}:0] {inside};")
            for n, net in enumerate(nets):
                bit = len(nets) - 1 - n
                pin = port if len(nets) == 1 else f"{port}[{bit}]"
                if port != "q":
                    wire = self.sdf.wires.get((instance.name, pin), Delay())
                    self.limits.wires += (instance.name, pin) in self.sdf.wires
                    up, down = _longest(wire.rise, wire.fall), _longest(wire.fall, wire.rise)
                    self.out.append(f"assign {_told(up, down)} {inside}[{bit}] = {self.net(net)};")
                elif net:
                    delay = self._out_of(instance, timing, pin)
                    self.out.append(f"assign {delay} {self.net(net)} = {inside}[{bit}];")
        init = f'#(.INIT("{instance.name}.hex")) ' if memory.rom else ""
        macro = f"\\{instance.name} "
        self.out.append(f"{instance.cell} {init}\\{instance.name} ({', '.join(joins)});")
        width = len(instance.pins["q"])
        values = [self.random.getrandbits(width) for _ in range(1 if memory.rom else 1 + memory.words)]
        self.begin.append(
            " ".join(["memory", instance.name, *(f"{value:0{-(-width // 4)}x}" for value in values)])
        )
        self.watch.append(f"memory {instance.name}")
        # Until all pins are known, what they ask for is no fault.
        self.out.append(f"initial begin {macro}.watched = 0; @(scf_known) {macro}.watched = 1; end")
        self._memory_checks(instance, timing)

    def _out_of(self, instance: Instance, timing: Timing, pin: str) -> str:
        """From the clock's falling edge at the macro to a change of an output's net."""
        path = timing.paths.get(("clk", pin))
        if path is None:
            self.limits.missing.append(f"{instance.name}/{pin}")
            path = Delay()
        else:
            self.limits.paths += 1
        rise, fall = _longest(path.rise, path.fall), _longest(path.fall, path.rise)
        return _told(rise - MODEL_STEP, fall - MODEL_STEP)

    def _memory_checks(self, instance: Instance, timing: Timing) -> None:
        """Inputs are set up before the clock falls, and held until it has risen."""
        (clock,) = instance.pins["clk"]
        late = _middle(self.sdf.wires.get((instance.name, "clk")))
        limits: dict[tuple[str, str, bool], int] = {}  # of both edges of an input the larger one
        for check in timing.checks:
            if check.kind == "WIDTH":
                self._width(clock, instance.name, check)
            else:
                key = check.pin, check.kind, check.clock_rising
                limits[key] = max(limits.get(key, 0), _ps(check.limit))
        for (pin, kind, rising), limit in limits.items():
            port, _, index = pin.partition("[")
            nets = instance.pins[port]
            data = nets[len(nets) - 1 - int(index.rstrip("]"))] if index else nets[0]
            if data in ("", *CONSTANTS):
                continue
            edge = self.number(clock) if rising else self._inverse(clock)
            setup, hold = (limit, -limit) if kind == "SETUP" else (0, limit)
            shift = _ps(late - _middle(self.sdf.wires.get((instance.name, pin))))
            self._limit("check", instance.name, [self.number(data), edge], setup, setup, hold, hold, shift)
            self.limits.checks += 1

    def _inverse(self, net: str) -> int:
        """Number of a net that rises when this one falls."""
        number = self.number(net)
        if number not in self.inverted:
            self.inverted[number] = self.numbers.setdefault(f"not {self.same.root(net)}", len(self.numbers))
            self.out.append(f"assign n{self.inverted[number]} = ~n{number};")
        return self.inverted[number]


MODEL_STEP = 0.01  # ns: SCF_BANK_DELAY of a memory's model, taken off its delays


def _told(rise: float, fall: float) -> str:
    return f"#({max(rise, 0):.3f}, {max(fall, 0):.3f})"


def _longest(own: tuple[float, float] | None, other: tuple[float, float] | None) -> float:
    return (own or other or _NONE)[1]


def _middle(delay: Delay | None) -> float:
    return _longest(delay.rise, delay.fall) if delay else 0.0


def _ps(ns: float) -> int:
    return round(ns * 1000)
