"""The pins of an SRAM macro: one list that layout, LEF and netlists read."""

__all__ = ["macro_pins", "port_names"]

from base_chip.arrays.gates import Y2
from base_chip.arrays.latch import output_y
from base_chip.arrays.sram import control, driver
from base_chip.arrays.sram.column import D_X, LATCH_X, LOWER, WRITE_X
from base_chip.arrays.sram.plan import STRAP, SramPlan
from base_chip.arrays.sram.spec import BYTE, GROUP_ROWS, SramSpec
from base_chip.bank.pins import BankPin, PinRect

_EDGE = 400


def port_names(spec: SramSpec) -> list[str]:
    """Ports of netlists, in order."""
    sizes = {"a": GROUP_ROWS, "b_n": spec.groups, "write": spec.bytes, "d": spec.bits, "q": spec.bits}
    buses = (f"{name}[{n}]" for name, size in sizes.items() for n in range(size))
    return ["clk", "enable", *buses, "VPWR", "VGND"]


def macro_pins(plan: SramPlan) -> tuple[BankPin, ...]:
    """All pins, in the order of `port_names`."""
    spec, ground = plan.spec, plan.ground_y
    pins: dict[str, BankPin] = {}

    def add(name: str, layer: str, x: int, top: int, direction: str = "INPUT") -> None:
        half = 165 if layer == "met3" else 70
        rect = PinRect(layer, x - half, 0, x + half, ground + top)
        pins[name] = BankPin(name, direction, "SIGNAL", (rect,))

    for name, (x, top) in control.PINS.items():
        add(name, "met2", plan.driver_x + x, top)
    for n in range(spec.bits):
        add(f"d[{n}]", "met2", plan.at(n, D_X), LOWER - Y2)
        add(f"q[{n}]", "met3", plan.at(n, LATCH_X), output_y(0), "OUTPUT")
    for n in range(spec.bytes):
        add(f"write[{n}]", "met2", plan.at(n * BYTE, WRITE_X), Y2)
    for group, y in enumerate(plan.driver_y[:: driver.IN_GROUP]):
        bar = y + driver.B_Y
        rect = PinRect("met3", 0, bar - 165, plan.driver_x + driver.B_X[-1] + 165, bar + 165)
        pins[f"b_n[{group}]"] = BankPin(f"b_n[{group}]", "INPUT", "SIGNAL", (rect,))
    for name, use in (("VPWR", "POWER"), ("VGND", "GROUND")):
        pins[name] = BankPin(name, "INOUT", use, _straps(plan, name))
    return tuple(pins[name] for name in port_names(spec))


def _straps(plan: SramPlan, name: str) -> tuple[PinRect, ...]:
    """met4 over the whole height, for met5 straps of the chip to cross."""
    xs = plan.driver_strap_x[name], *plan.strap_x[name]
    half, top = STRAP // 2, plan.height - _EDGE
    return tuple(PinRect("met4", x - half, _EDGE, x + half, top) for x in xs)
