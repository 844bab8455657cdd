"""The smallest library that synthesis and abc work with: four gates and a flip-flop, all delays alike."""

__all__ = ["small_liberty"]

P = "sky130_fd_sc_hd__"
HEAD = """delay_model : table_lookup;
time_unit : "1ns"; voltage_unit : "1V"; current_unit : "1mA"; capacitive_load_unit (1, pf);
lu_table_template (t) {
  variable_1 : input_net_transition; variable_2 : total_output_net_capacitance;
  index_1 ("0.01, 1"); index_2 ("0.001, 0.1");
}
"""
TABLE = '{ index_1 ("0.01, 1"); index_2 ("0.001, 0.1"); values ("0.1, 0.2", "0.3, 0.4"); }'
DELAYS = "".join(
    f"  {kind} (t) {TABLE}\n" for kind in ("cell_rise", "cell_fall", "rise_transition", "fall_transition")
)
FLOP = f"""cell ({P}dfxtp_1) {{ area : 20;
ff (IQ, IQ_N) {{ clocked_on : "CLK"; next_state : "D"; }}
pin (CLK) {{ direction : input; clock : true; capacitance : 0.002; }}
pin (D) {{ direction : input; capacitance : 0.002; }}
pin (Q) {{ direction : output; function : "IQ"; }}
}}
"""
GATES = {
    "inv_1": "!A",
    "buf_2": "A",
    "nand2_1": "!(A & B)",
    "nor2_1": "!(A | B)",
}  # with fewer abc has no library


def small_liberty() -> str:
    """Its text."""
    gates = "".join(_gate(name, does) for name, does in GATES.items())
    return f"library (small) {{\n{HEAD}{gates}{FLOP}}}\n"


def _gate(name: str, does: str) -> str:
    pins = [pin for pin in "AB" if pin in does]
    ins = "".join(f"pin ({pin}) {{ direction : input; capacitance : 0.002; }}\n" for pin in pins)
    sense = f"timing_sense : {'negative' if '!' in does else 'positive'}_unate;"
    arcs = "".join(f"timing () {{ related_pin : {pin}; {sense}\n{DELAYS}}}\n" for pin in pins)
    out = f'pin (Y) {{ direction : output; max_capacitance : 0.1; function : "{does}";\n{arcs}}}\n'
    return f"cell ({P}{name}) {{ area : 3.75;\n{ins}{out}}}\n"
