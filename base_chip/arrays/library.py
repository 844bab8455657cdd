"""What stands before the cell of a macro in a library."""

__all__ = ["library_head"]

from collections.abc import Iterable, Mapping

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


def library_head(
    name: str,
    corner: str,
    volts: float,
    celsius: float,
    tables: tuple[tuple[float, ...], tuple[float, ...]],
    buses: Mapping[str, int],
    template: str,
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


def _numbers(values: Iterable[float]) -> str:
    return ", ".join(f"{value:.4f}" for value in values)
