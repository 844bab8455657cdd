"""Liberty that says what cells do and which arcs they have, and no time: every time comes from SDF."""

__all__ = ["CLEARED", "SPLIT", "arcs", "skeleton"]

from collections.abc import Iterable, Iterator

from signoff.timing.cells import Cell, Expr, Flop, Gate, flatten, variables
from signoff.timing.sense import sense

_HEAD = """\
library (scf_skeleton) {
  delay_model : table_lookup;
  time_unit : "1ns";
  voltage_unit : "1V";
  current_unit : "1mA";
  capacitive_load_unit (1, pf);
  pulling_resistance_unit : "1kohm";
  leakage_power_unit : "1nW";
  nom_process : 1;
  nom_voltage : 1;
  nom_temperature : 25;
  input_threshold_pct_rise : 50;
  input_threshold_pct_fall : 50;
  output_threshold_pct_rise : 50;
  output_threshold_pct_fall : 50;
  slew_lower_threshold_pct_rise : 20;
  slew_lower_threshold_pct_fall : 20;
  slew_upper_threshold_pct_rise : 80;
  slew_upper_threshold_pct_fall : 80;
"""
_SENSES = {1: "positive_unate", -1: "negative_unate", 0: "non_unate"}
# Which edges a path has besides the usual two: an output that is only cleared, or only set, by its cause.
CLEARED = ("clear", "preset")
SPLIT = 0  # the sense of a path that follows its cause or opposes it, by what other pins are


def arcs(cell: Cell) -> Iterator[tuple[str, str, int, str]]:
    """Paths through a cell: (input, output, sense, kind).

    The sense is 1 when the output follows the input, -1 when it opposes it, `SPLIT` when it may do either.
    The kind is "combinational", "rising_edge" (of a clock) or one of `CLEARED`.
    """
    for pin, expression in cell.outputs.items():
        if not isinstance(cell.storage, Flop):
            for source in sorted(variables(expression)):
                yield source, pin, sense(expression, source), "combinational"
            continue
        flop = cell.storage
        yield flop.clock, pin, SPLIT, "rising_edge"
        straight = expression == flop.state
        for forced, when in (("clear", flop.clear), ("preset", flop.preset)):
            if when is not None:
                # An output that is the state's inverse is set when the state is cleared.
                kind = forced if straight else CLEARED[1 - CLEARED.index(forced)]
                for source in sorted(variables(when)):
                    edge = sense(when, source) * (-1 if kind == "clear" else 1)
                    yield source, pin, edge, kind


def skeleton(cells: Iterable[Cell]) -> str:
    """A liberty library of cells, all of whose times are 0."""
    lines = [_HEAD]
    for cell in cells:
        lines += _cell(cell)
    return "\n".join([*lines, "}", ""])


def _cell(cell: Cell) -> Iterator[str]:
    yield f"  cell ({cell.name}) {{"
    names = {n: n for n in cell.inputs}
    flop = cell.storage if isinstance(cell.storage, Flop) else None
    gate = cell.storage if isinstance(cell.storage, Gate) else None
    if flop:
        names[flop.state] = "IQ"
        yield "    ff (IQ, IQ_N) {"
        yield f'      clocked_on : "{flop.clock}";'
        yield f'      next_state : "{flatten(flop.data, names, mux=False)}";'
        for word, when in (("clear", flop.clear), ("preset", flop.preset)):
            if when is not None:
                yield f'      {word} : "{flatten(when, names, mux=False)}";'
        yield "    }"
    if gate:
        yield '    clock_gating_integrated_cell : "latch_posedge";'
    for pin in cell.inputs:
        yield f"    pin ({pin}) {{"
        yield from ("      direction : input;", "      capacitance : 0;")
        yield from _checks(cell.storage, pin)
        yield "    }"
    paths = list(arcs(cell))
    for pin, expression in cell.outputs.items():
        yield f"    pin ({pin}) {{"
        yield "      direction : output;"
        if gate:
            yield "      clock_gate_out_pin : true;"
        else:
            yield f'      function : "{flatten(expression, names, mux=False)}";'
        for source, to, way, kind in paths:
            if to == pin:
                yield from _path(source, way, kind)
        yield "    }"
    yield "  }"


def _checks(storage: Flop | Gate | None, pin: str) -> Iterator[str]:
    """What a pin of a flop or clock gate is checked for."""
    if storage is None:
        return
    data = storage.data if isinstance(storage, Flop) else storage.enable
    forced = set(_names(storage.clear, storage.preset)) if isinstance(storage, Flop) else set()
    if pin == storage.clock:
        yield "      clock : true;"
        if isinstance(storage, Gate):
            yield "      clock_gate_clock_pin : true;"
    else:
        if isinstance(storage, Gate):
            yield "      clock_gate_enable_pin : true;"
        if pin in variables(data):
            yield from _constraint(storage.clock, "setup_rising", ("rise", "fall"))
            yield from _constraint(storage.clock, "hold_rising", ("rise", "fall"))
    if pin in forced:
        yield from _constraint(storage.clock, "recovery_rising", ("rise",))
        yield from _constraint(storage.clock, "removal_rising", ("rise",))
    if isinstance(storage, Flop) and pin == storage.clock:
        yield "      min_pulse_width_high : 0;"
    if pin == storage.clock or pin in forced:
        yield "      min_pulse_width_low : 0;"


def _names(*parts: Expr | None) -> Iterator[str]:
    for part in parts:
        if part is not None:
            yield from variables(part)


def _constraint(clock: str, kind: str, edges: Iterable[str]) -> Iterator[str]:
    yield f'      timing () {{ related_pin : "{clock}"; timing_type : {kind};'
    yield from (f'        {edge}_constraint (scalar) {{ values ("0"); }}' for edge in edges)
    yield "      }"


def _path(source: str, way: int, kind: str) -> Iterator[str]:
    edges = {"clear": ("fall",), "preset": ("rise",)}.get(kind, ("rise", "fall"))
    yield f'      timing () {{ related_pin : "{source}"; timing_type : {kind};'
    yield f"        timing_sense : {_SENSES[way]};"
    for edge in edges:
        yield f'        cell_{edge} (scalar) {{ values ("0"); }}'
        yield f'        {edge}_transition (scalar) {{ values ("0"); }}'
    yield "      }"
