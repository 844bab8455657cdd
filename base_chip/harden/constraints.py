"""Timing constraints of a base, as SDC."""

__all__ = ["sdc"]

from base_chip.config import BaseConfig

# The host's interface is synchronous to the chip's clock: a fifth of the period is outside, each way.
IO_SHARE = 0.2
# ns. Jitter moves one edge against the next, so it counts for setup and for what lasts half a period. Hold
# compares one edge with itself: left is how well skew is known, and variation on a chip beyond the derates.
SETUP_UNCERTAINTY = 0.25
HOLD_UNCERTAINTY = 0.1
LOAD = 0.05  # pF at each output
MAX_SLEW = 3.0  # ns, all corners: the slow corner's own limit, 10 ns, lets small gates drive anything
DERATE = 0.05  # on-chip variation, each way


def sdc(base: BaseConfig, period_ns: float) -> str:
    """Constraints at a clock period.

    Banks read in the clock's low half, so the duty cycle counts: it is taken as one half.
    """
    io = round(IO_SHARE * period_ns, 3)
    return f"""# Base {base.name}, {period_ns:g} ns.
create_clock -name clk -period {period_ns:g} [get_ports clk]
set_propagated_clock [get_clocks clk]
set_clock_uncertainty -setup {SETUP_UNCERTAINTY} [get_clocks clk]
set_clock_uncertainty -hold {HOLD_UNCERTAINTY} [get_clocks clk]
set_input_delay {io} -clock clk [get_ports {{rst rx_data* rx_valid tx_ready}}]
set_output_delay {io} -clock clk [get_ports {{rx_ready tx_data* tx_valid}}]
set_load {LOAD} [all_outputs]
set_max_transition {MAX_SLEW:g} [current_design]
set_timing_derate -early {1 - DERATE:g}
set_timing_derate -late {1 + DERATE:g}
"""
