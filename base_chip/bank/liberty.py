"""The bank as static timing analysis sees it."""

__all__ = ["GATE_LOW", "TRANSITION_NS", "bank_liberty", "bit_line_arc", "library_head"]

from collections.abc import Iterable, Iterator, Mapping

from base_chip.bank.plan import BankPlan
from base_chip.bank.spec import BankSpec
from base_chip.bank.timing import BankTiming, CornerTiming, Edge, Grid
from rtl_gen.errors import FlowError

# A bit line falls more slowly than the standard cells' tables reach, so a table holds the ramp of at most
# this transition that every gate behind sees no earlier (or, in an early corner, no later) than the bit line.
TRANSITION_NS = 1.0
# Percent of the supply that a falling input has reached when any gate has switched; measured on nand2 to
# nand4, nor2 to nor4, inv, buf, and2, mux2, a21oi, o21ai and a22oi they switch between 31 % and 46 %.
GATE_LOW = 25
_LOWER, _UPPER = 20, 80  # between which a transition is measured

_HEAD = """\
library ("{name}") {{
  technology ("cmos");
  delay_model : table_lookup;
  bus_naming_style : "%s[%d]";
  time_unit : "1ns";
  voltage_unit : "1V";
  current_unit : "1mA";
  capacitive_load_unit (1, pf);
  pulling_resistance_unit : "1kohm";
  leakage_power_unit : "1nW";
  nom_process : 1;
  nom_voltage : {volts};
  nom_temperature : {celsius};
  default_max_transition : {slew};
  input_threshold_pct_rise : 50;
  input_threshold_pct_fall : 50;
  output_threshold_pct_rise : 50;
  output_threshold_pct_fall : 50;
  slew_lower_threshold_pct_rise : {lower};
  slew_lower_threshold_pct_fall : {lower};
  slew_upper_threshold_pct_rise : {upper};
  slew_upper_threshold_pct_fall : {upper};
  operating_conditions ("{corner}") {{
    process : 1;
    voltage : {volts};
    temperature : {celsius};
  }}
  default_operating_conditions : "{corner}";
  voltage_map (VPWR, {volts});
  voltage_map (VGND, 0);
  lu_table_template ({template}) {{
    variable_1 : input_net_transition;
    variable_2 : total_output_net_capacitance;
    index_1 ("{slews}");
    index_2 ("{loads}");
  }}
"""

_BUS = """\
  type ({name}) {{
    base_type : array;
    data_type : bit;
    bit_width : {width};
    bit_from : {last};
    bit_to : 0;
    downto : true;
  }}
"""


_CAUSE = {"fall": "rising", "rise": "falling"}  # the edge of WL or PRE_N behind an edge of a bit line


def bank_liberty(spec: BankSpec, corner: str, timing: BankTiming) -> str:
    """A liberty library with the bank in one corner.

    WL and PRE_N are clock pins that launch BL: WL rises, BL falls; PRE_N falls, BL rises. As the outputs of a
    combinational cell bit lines would be clock nets, whose gates no optimiser touches. There is no setup or
    hold: a bit line is a signal that the flops behind sample. PRE_N's low pulse has a least width, in which
    every bit line is precharged.

    Args:
        spec: The bank.
        corner: As the standard cells' liberty names it, such as "ss_n40C_1v40".
        timing: Of that bank.

    Raises:
        FlowError: If the timing is of another bank, or has no such corner.
    """
    if timing.spec != spec:
        raise FlowError(f"the timing is of {timing.spec}, not of {spec}")
    if corner not in timing.corners:
        raise FlowError(f"no timing in corner {corner!r}, there are: {', '.join(timing.corners)}")
    return "\n".join(_lines(spec, corner, timing)) + "\n"


def library_head(
    name: str,
    corner: str,
    volts: float,
    celsius: float,
    tables: tuple[tuple[float, ...], tuple[float, ...]],
    buses: Mapping[str, int],
    template: str = "bank",
) -> str:
    """What stands before the cell of a macro's library.

    Args:
        name: Of the library.
        corner: As the standard cells' liberty names it.
        volts: Supply.
        celsius: Temperature.
        tables: Transitions (ns) and loads (fF) of the delay tables.
        buses: Widths of the types of buses, by name.
        template: Name of the tables' template.
    """
    head = _HEAD.format(
        name=name,
        corner=corner,
        volts=volts,
        celsius=celsius,
        slew=tables[0][-1],
        lower=_LOWER,
        upper=_UPPER,
        template=template,
        slews=_numbers(tables[0]),
        loads=_numbers(load / 1000 for load in tables[1]),
    )
    types = (_BUS.format(name=bus, width=width, last=width - 1) for bus, width in buses.items())
    return "".join((head, *types)).rstrip()


def bit_line_arc(corner: CornerTiming, edge: str) -> tuple[Grid, Grid]:
    """Delay and transition of a bit line, as liberty understands them.

    Late: the ramp ends with the bit line, at `GATE_LOW` when it falls and at 80 % when it rises. Early: the
    ramp begins with the bit line.

    Args:
        corner: What was measured.
        edge: "fall" or "rise".

    Returns:
        Two grids in ns, [slews][loads]: cause at half the supply to bit line at half, and 20 to 80 %.
    """
    measured: Edge = getattr(corner, edge)
    begin, end = (_UPPER, _LOWER) if edge == "fall" else (_LOWER, _UPPER)
    last = GATE_LOW if edge == "fall" else _UPPER
    at = measured.at
    transition = [
        [min(b - a, TRANSITION_NS) for a, b in zip(*rows, strict=True)]
        for rows in zip(at[begin], at[end], strict=True)
    ]
    anchor, sign = (last, 1) if corner.late else (begin, -1)
    share = abs(anchor - 50) / (_UPPER - _LOWER)  # of a transition, between the anchor and half the supply
    delay = [
        [t - sign * share * slew for t, slew in zip(*rows, strict=True)]
        for rows in zip(at[anchor], transition, strict=True)
    ]
    return tuple(map(tuple, delay)), tuple(map(tuple, transition))


def _lines(spec: BankSpec, name: str, timing: BankTiming) -> Iterator[str]:
    corner, plan = timing.corners[name], BankPlan(spec)
    slew = timing.slews_ns[-1]
    buses = {"word_lines": spec.word_lines, "bit_lines": spec.bit_lines}
    tables = timing.slews_ns, timing.loads_ff
    yield library_head(f"{spec.name}__{name}", name, corner.volts, corner.celsius, tables, buses)
    yield f'  cell ("{spec.name}") {{'
    yield f"    area : {plan.width * plan.height / 1e6:.4f};"
    yield from ("    is_macro_cell : true;", "    dont_touch : true;", "    dont_use : true;")
    for pin, kind in (("VPWR", "primary_power"), ("VGND", "primary_ground")):
        yield f"    pg_pin ({pin}) {{ voltage_name : {pin}; pg_type : {kind}; }}"
    yield "    bus (WL) {"
    yield "      bus_type : word_lines;"
    yield from _input(corner.word_line_ff, slew)
    yield "    }"
    yield "    pin (PRE_N) {"
    yield from _input(corner.precharge_ff, slew)
    yield f"      min_pulse_width_low : {corner.precharge_ns};"
    yield "    }"
    yield "    bus (BL) {"
    yield "      bus_type : bit_lines;"
    yield "      direction : output;"
    yield f"      max_capacitance : {timing.loads_ff[-1] / 1000};"
    yield from _power()
    yield from _arc(corner, "fall", "related_bus_pins", "WL")
    yield from _arc(corner, "rise", "related_pin", "PRE_N")
    yield from ("    }", "  }", "}")


def _input(capacitance_ff: float, slew_ns: float) -> Iterator[str]:
    yield from ("      direction : input;", "      clock : true;")
    yield f"      capacitance : {capacitance_ff / 1000:.4f};"
    yield f"      max_transition : {slew_ns};"
    yield from _power()


def _power() -> Iterator[str]:
    yield from ("      related_power_pin : VPWR;", "      related_ground_pin : VGND;")


def _arc(corner: CornerTiming, edge: str, related: str, pin: str) -> Iterator[str]:
    delay, transition = bit_line_arc(corner, edge)
    yield "      timing () {"
    yield f'        {related} : "{pin}";'
    yield f"        timing_type : {_CAUSE[edge]}_edge;"
    for name, grid in ((f"cell_{edge}", delay), (f"{edge}_transition", transition)):
        rows = ", \\\n                ".join(f'"{_numbers(row)}"' for row in grid)
        yield f"        {name} (bank) {{"
        yield f"          values ({rows});"
        yield "        }"
    yield "      }"


def _numbers(values: Iterable[float]) -> str:
    return ", ".join(f"{value:.4f}" for value in values)
