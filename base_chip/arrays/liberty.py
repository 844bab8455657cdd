"""A ROM macro as static timing analysis sees it: an ordinary memory that reads while clk is low."""

__all__ = ["rom_liberty"]

from collections.abc import Iterable, Iterator

from base_chip.arrays import control, driver, gates
from base_chip.arrays.plan import RomPlan
from base_chip.arrays.spec import RomSpec
from base_chip.arrays.timing import Arc, RomTiming
from base_chip.bank.liberty import library_head
from rtl_gen.errors import FlowError

_FF_PER_UM = 1.6  # of gate, 0.15 um long
_WIRE_FF = {"clk": 2.0, "enable": 2.0, "a": 7.0, "b_n": 7.0}


def rom_liberty(spec: RomSpec, corner: str, timing: RomTiming) -> str:
    """A liberty library with the macro in one corner.

    q is launched by the falling edge of clk: it falls where there is a via, and rises where it was low and
    there is none. Inputs are set up before clk falls and held until it has risen. The widths of clk's pulses
    are those that read the slowest bit line, and that precharge it.

    Raises:
        FlowError: If the timing has no such corner.
    """
    if corner not in timing.corners:
        raise FlowError(f"no timing in corner {corner!r}, there are: {', '.join(timing.corners)}")
    return "\n".join(_lines(spec, corner, timing)) + "\n"


def _lines(spec: RomSpec, name: str, timing: RomTiming) -> Iterator[str]:
    corner, plan = timing.corners[name], RomPlan(spec.array)
    buses = {"groups": spec.groups, "rows": driver.GROUP_ROWS, "outputs": spec.bits}
    tables = timing.slews_ns, timing.loads_ff
    yield library_head(f"{spec.name}__{name}", name, corner.volts, corner.celsius, tables, buses, "table")
    yield f'  cell ("{spec.name}") {{'
    yield f"    area : {plan.width * plan.height / 1e6:.4f};"
    yield from ("    is_macro_cell : true;", "    dont_touch : true;", "    dont_use : true;")
    yield f"    cell_leakage_power : {corner.leakage_uw * 1000:.3f};"
    for pin, kind in (("VPWR", "primary_power"), ("VGND", "primary_ground")):
        yield f"    pg_pin ({pin}) {{ voltage_name : {pin}; pg_type : {kind}; }}"
    width = sum(gates.WIDTHS) / 1000
    nand = control.NAND_FINGERS * width
    group = (2 * driver.HEADER + driver.GROUP_ROWS * driver.WIDTHS[1]) / 1000
    yield "    pin (clk) {"
    yield from ("      direction : input;", "      clock : true;")
    yield from _load("clk", width, timing)
    yield f"      min_pulse_width_low : {corner.low_ns};"
    yield f"      min_pulse_width_high : {corner.high_ns};"
    yield "      internal_power () {"
    yield '        fall_power (scalar) { values ("' + f"{corner.read_pj:.3f}" + '"); }'
    yield '        rise_power (scalar) { values ("0"); }'
    yield from ("      }", "    }")
    for pin, bus, size in (("enable", "", nand), ("a", "rows", nand), ("b_n", "groups", group)):
        yield f"    {'bus' if bus else 'pin'} ({pin}) {{"
        if bus:
            yield f"      bus_type : {bus};"
        yield "      direction : input;"
        yield from _load(pin, size, timing)
        for kind, table in (("setup_falling", corner.setup_ns), ("hold_rising", corner.hold_ns)):
            yield from ("      timing () {", '        related_pin : "clk";', f"        timing_type : {kind};")
            for edge in ("rise", "fall"):
                yield f'        {edge}_constraint (scalar) {{ values ("{table[pin]}"); }}'
            yield "      }"
        yield "    }"
    yield from ("    bus (q) {", "      bus_type : outputs;", "      direction : output;")
    yield f"      max_capacitance : {timing.loads_ff[-1] / 1000};"
    yield from _power()
    yield from ("      timing () {", '        related_pin : "clk";', "        timing_type : falling_edge;")
    for edge, arc in (("rise", corner.rise), ("fall", corner.fall)):
        yield from _arc(edge, arc)
    yield from ("      }", "    }", "  }", "}")


def _load(pin: str, width_um: float, timing: RomTiming) -> Iterator[str]:
    yield f"      capacitance : {(width_um * _FF_PER_UM + _WIRE_FF[pin]) / 1000:.4f};"
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
