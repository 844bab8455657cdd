"""Timing constraints of a tile and of a die of tiles, as SDC."""

__all__ = ["die_sdc", "tile_sdc"]

from collections.abc import Iterable, Mapping

# The host's interface is synchronous to the chip's clock: a fifth of the period is outside, each way.
IO_SHARE = 0.2
CLOCKS = ("clk", "clk_east")
PROPAGATED = "set_propagated_clock [get_clocks clk]\n"
HOST = ("rx_", "tx_")  # how its ports begin
SEAM_SHARE = 0.25  # of the period, that what crosses a seam takes in the other tile
# ns. Jitter moves one edge against the next, so it counts for setup and for what lasts half a period. Hold
# compares one edge with itself: left is how well skew is known, and variation on a chip beyond the derates.
SETUP_UNCERTAINTY = 0.25
HOLD_UNCERTAINTY = 0.1
MAX_SLEW = 3.0  # ns, all corners: the slow corner's own limit, 10 ns, lets small gates drive anything
DERATE = 0.05  # on-chip variation, each way


def tile_sdc(name: str, period_ns: float, pins: Mapping[str, bool], *, tree: bool = False) -> str:
    """Constraints of a tile at a clock period.

    What crosses a seam is launched by the falling edge and taken by the rising one. Each tile gets half
    of the time between, in which the difference of the two tiles' clocks is counted. The host's bytes are
    synchronous to the clock. The clock is ideal until there is a clock tree (`tree`): a gate that drives 640
    flip-flops without one would be the slowest path.

    Args:
        name: Of the tile.
        period_ns: Clock period.
        pins: Whether each is an output.
    """
    (into, taken), (leaving, sent) = (_crossing(pins, output) for output in (False, True))
    out, io = round(SEAM_SHARE * period_ns, 3), round(IO_SHARE * period_ns, 3)
    ports = f"""set inputs [get_ports {{{into}}}]
set_input_delay -max {out} -clock clk -clock_fall $inputs
set_input_delay -min 0 -clock clk -clock_fall $inputs
set_output_delay {out} -clock clk [get_ports {{{leaving}}}]
"""
    if taken:
        ports += f"""set_input_delay {io} -clock clk [get_ports {{{taken}}}]
set_output_delay {io} -clock clk [get_ports {{{sent}}}]
"""
    if tree and CLOCKS[1] in pins:
        # Setup alone: the clock's way out is a clock, which no flip-flop takes as data.
        ports += f"set_output_delay -max 0 -clock clk [get_ports {CLOCKS[1]}]\n"
    return _sdc(f"Tile {name}", period_ns, ports, PROPAGATED if tree else "")


def _crossing(pins: Mapping[str, bool], output: bool) -> tuple[str, str]:
    """Patterns of ports that cross a seam, and of the host's."""
    found = {pin.partition("[")[0] + "*" * ("[" in pin) for pin, out in pins.items() if out is output}
    ports = sorted(found - {*CLOCKS})
    host = [port for port in ports if port.startswith(HOST)]
    seam = [port for port in ports if port not in host]
    return " ".join(seam), " ".join(host)


def die_sdc(name: str, period_ns: float, inputs: Iterable[str], outputs: Iterable[str]) -> str:
    """Constraints of a die of tiles at a clock period: what enters and leaves crosses a seam, too.

    Args:
        name: Of the die.
        period_ns: Clock period.
        inputs, outputs: Ports but the clock; buses by their names.
    """
    out = round(SEAM_SHARE * period_ns, 3)
    into, leaving = (" ".join(f"{port}*" for port in ports) for ports in (inputs, outputs))
    ports = f"""set inputs [get_ports {{{into}}}]
set_input_delay -max {out} -clock clk -clock_fall $inputs
set_input_delay -min 0 -clock clk -clock_fall $inputs
set_output_delay {out} -clock clk [get_ports {{{leaving}}}]
"""
    return _sdc(f"Die {name}", period_ns, ports, PROPAGATED)


def _sdc(what: str, period_ns: float, ports: str, clock: str = "") -> str:
    # No loads: OpenROAD reads constraints before it has corners, and forgets them. What the load at an output
    # takes is added where it is known, on the die (`signoff.seams.timing.later`).
    return f"""# {what}, {period_ns:g} ns.
create_clock -name clk -period {period_ns:g} [get_ports clk]
{clock}set_clock_uncertainty -setup {SETUP_UNCERTAINTY} [get_clocks clk]
set_clock_uncertainty -hold {HOLD_UNCERTAINTY} [get_clocks clk]
{ports}set_max_transition {MAX_SLEW:g} [current_design]
set_timing_derate -early {1 - DERATE:g}
set_timing_derate -late {1 + DERATE:g}
"""
