"""An SRAM macro as static timing analysis sees it."""

__all__ = ["sram_liberty"]

from base_chip.arrays import gates
from base_chip.arrays.liberty import Input, macro_liberty, pin_ff
from base_chip.arrays.sram.plan import SramPlan
from base_chip.arrays.sram.spec import GROUP_ROWS, SramSpec
from base_chip.arrays.sram.timing import SramTiming
from base_chip.arrays.sram.views import gates_of

# of an input's wire, fF: Magic's extraction of a macro of 32 x 16
_WIRE_FF = {"clk": 2.6, "enable": 3.0, "a": 1.0, "b_n": 4.1, "write": 23.6, "d": 3.1}


def sram_liberty(spec: SramSpec, corner: str, timing: SramTiming) -> str:
    """A liberty library with the macro in one corner. A byte that is written takes its part of the energy.

    Raises:
        FlowError: If the timing has no such corner.
    """
    plan = SramPlan(spec)
    widths = {"enable": 0, "a": GROUP_ROWS, "b_n": spec.groups, "write": spec.bytes, "d": spec.bits}
    inputs = [Input(pin, width, _farad(pin)) for pin, width in widths.items()]
    measured = timing.at(corner)
    byte = measured.write_pj / spec.bytes
    energies = {"enable": measured.read_pj} | {f"write[{n}]": byte for n in range(spec.bytes)}
    area = plan.width * plan.height / 1e6
    return macro_liberty(spec, area, corner, timing, _farad("clk"), inputs, energies)


def _farad(pin: str) -> float:
    wp, wn = gates.WIDTHS
    return pin_ff(gates_of(pin) * (wp + wn) + wn * (pin == "write"), _WIRE_FF[pin])
