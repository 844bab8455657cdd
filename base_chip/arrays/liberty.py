"""A memory macro as static timing analysis sees it: an ordinary memory that works while clk is low."""

__all__ = ["Input", "macro_liberty", "pin_ff", "rom_liberty"]

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from base_chip.arrays import control, driver, gates, rom_mux
from base_chip.arrays.library import library_head
from base_chip.arrays.plan import RomPlan
from base_chip.arrays.spec import MacroSpec, RomSpec
from base_chip.arrays.timing import Arc, Corner, MacroTiming, RomTiming

_FF_PER_UM = 1.6  # of gate, 0.15 um long
_WIRE_FF = {"clk": 2.0, "enable": 2.0, "a": 7.0, "b_n": 7.0}
_SELECT_FF = 14.0, 0.43  # wire of a select: up to its row; per column


@dataclass(frozen=True)
class Input:
    """An input besides clk, or a bus of them: `width` pins (0: no bus) of so many fF."""

    name: str
    width: int
    farad: float


def pin_ff(gate_nm: float, wire_ff: float) -> float:
    """Capacitance (fF) of an input with gates of that width in all, 0.15 um long, and its wire."""
    return gate_nm / 1000 * _FF_PER_UM + wire_ff


def rom_liberty(spec: RomSpec, corner: str, timing: RomTiming) -> str:
    """A liberty library with the ROM macro in one corner.

    Raises:
        FlowError: If the timing has no such corner.
    """
    pair = sum(gates.WIDTHS)
    group = 2 * driver.HEADER + driver.GROUP_ROWS * driver.WIDTHS[1]
    sizes = {
        "enable": (0, control.NAND_FINGERS * pair),
        "a": (driver.GROUP_ROWS, control.NAND_FINGERS * pair),
    }
    sizes |= {"b_n": (spec.groups, group)}
    if spec.mux > 1:
        sizes["select"] = spec.mux, spec.outputs * rom_mux.SIZES.n
    wires = _WIRE_FF | {"select": _SELECT_FF[0] + _SELECT_FF[1] * spec.bits}
    inputs = [Input(pin, width, pin_ff(size, wires[pin])) for pin, (width, size) in sizes.items()]
    plan = RomPlan(spec.array)
    clk = pin_ff(pair, _WIRE_FF["clk"])
    area = plan.width * plan.height / 1e6
    return macro_liberty(spec, area, corner, timing, clk, inputs, {"": timing.at(corner).read_pj})


def macro_liberty(
    spec: MacroSpec,
    area: float,
    corner: str,
    timing: MacroTiming[Corner],
    clk_ff: float,
    inputs: Sequence[Input],
    energies: Mapping[str, float],
) -> str:
    """A liberty library with a macro in one corner.

    q is launched by the falling edge of clk: it falls where its bit line does, and rises where it was low and
    its bit line stays high. Inputs are set up before clk falls and held until it has risen. The widths of
    clk's pulses are those that read the slowest bit line, and that precharge it.

    Args:
        spec: The macro.
        area: um2.
        corner: As the standard cells' liberty names it.
        timing: Of the macro.
        clk_ff: Capacitance of clk.
        inputs: The others.
        energies: pJ of a cycle, by the condition on inputs under which they are spent ("": always).

    Raises:
        FlowError: If the timing has no such corner.
    """
    return "\n".join(_lines(spec, area, corner, timing, clk_ff, inputs, energies)) + "\n"


def _lines(
    spec: MacroSpec, area: float, name: str, timing: MacroTiming[Corner], clk_ff: float,
    inputs: Sequence[Input], energies: Mapping[str, float],
) -> Iterator[str]:  # fmt: skip
    corner = timing.at(name)
    buses = {f"{pin.name}_bus": pin.width for pin in inputs if pin.width} | {"q_bus": spec.outputs}
    tables = timing.slews_ns, timing.loads_ff
    yield library_head(f"{spec.name}__{name}", name, corner.volts, corner.celsius, tables, buses, "table")
    yield f'  cell ("{spec.name}") {{'
    yield f"    area : {area:.4f};"
    yield from ("    is_macro_cell : true;", "    dont_touch : true;", "    dont_use : true;")
    yield f"    cell_leakage_power : {corner.leakage_uw * 1000:.3f};"
    for pg, kind in (("VPWR", "primary_power"), ("VGND", "primary_ground")):
        yield f"    pg_pin ({pg}) {{ voltage_name : {pg}; pg_type : {kind}; }}"
    yield "    pin (clk) {"
    yield from ("      direction : input;", "      clock : true;")
    yield from _load(clk_ff, timing)
    yield f"      min_pulse_width_low : {corner.low_ns};"
    yield f"      min_pulse_width_high : {corner.high_ns};"
    for when, energy in energies.items():
        yield "      internal_power () {"
        if when:
            yield f'        when : "{when}";'
        yield '        fall_power (scalar) { values ("' + f"{energy:.3f}" + '"); }'
        yield '        rise_power (scalar) { values ("0"); }'
        yield "      }"
    yield "    }"
    for pin in inputs:
        yield f"    {'bus' if pin.width else 'pin'} ({pin.name}) {{"
        if pin.width:
            yield f"      bus_type : {pin.name}_bus;"
        yield "      direction : input;"
        yield from _load(pin.farad, timing)
        for kind, table in (("setup_falling", corner.setup_ns), ("hold_rising", corner.hold_ns)):
            yield from ("      timing () {", '        related_pin : "clk";', f"        timing_type : {kind};")
            for edge in ("rise", "fall"):
                yield f'        {edge}_constraint (scalar) {{ values ("{table[pin.name]}"); }}'
            yield "      }"
        yield "    }"
    yield from ("    bus (q) {", "      bus_type : q_bus;", "      direction : output;")
    yield f"      max_capacitance : {timing.loads_ff[-1] / 1000};"
    yield from _power()
    yield from ("      timing () {", '        related_pin : "clk";', "        timing_type : falling_edge;")
    for edge, arc in (("rise", corner.rise), ("fall", corner.fall)):
        yield from _arc(edge, arc)
    yield from ("      }", "    }", "  }", "}")


def _load(farad: float, timing: MacroTiming[Corner]) -> Iterator[str]:
    yield f"      capacitance : {farad / 1000:.4f};"
    yield f"      max_transition : {timing.slews_ns[-1]};"
    yield from _power()


def _power() -> Iterator[str]:
    yield from ("      related_power_pin : VPWR;", "      related_ground_pin : VGND;")


def _arc(edge: str, arc: Arc) -> Iterator[str]:
    transitions = [arc.transition] * len(arc.delay)
    for name, grid in ((f"cell_{edge}", arc.delay), (f"{edge}_transition", transitions)):
        rows = ", \\\n                ".join(f'"{_numbers(row)}"' for row in grid)
        yield from (f"        {name} (table) {{", f"          values ({rows});", "        }")


def _numbers(values: Iterable[float]) -> str:
    return ", ".join(f"{value:.4f}" for value in values)
