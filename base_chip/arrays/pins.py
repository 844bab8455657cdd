"""The pins of a ROM macro: one list that layout, LEF and netlists read."""

__all__ = ["macro_pins", "port_names"]

from base_chip.arrays import control, driver
from base_chip.arrays.foot import foot_wires
from base_chip.arrays.plan import RomPlan
from base_chip.arrays.spec import RomSpec
from base_chip.bank.pins import BankPin, PinRect


def port_names(spec: RomSpec) -> list[str]:
    """Ports of netlists, in order."""
    a = [f"a[{i}]" for i in range(driver.GROUP_ROWS)]
    b = [f"b_n[{g}]" for g in range(spec.groups)]
    select = [f"select[{n}]" for n in range(spec.mux)] if spec.mux > 1 else []
    q = [f"q[{n}]" for n in range(spec.outputs)]
    return ["clk", "enable", *a, *b, *select, *q, "VPWR", "VGND"]


def macro_pins(plan: RomPlan, spec: RomSpec) -> tuple[BankPin, ...]:
    """All pins, in the order of `port_names`."""
    pins: dict[str, BankPin] = {}
    ends = control.pin_ends(plan.rails)
    for name, (layer, at) in control.CONTROL_PINS.items():
        width = plan.dims.bit_line if layer == "met3" else 140
        x = plan.driver_x + at - width // 2
        pins[name] = BankPin(name, "INPUT", "SIGNAL", (PinRect(layer, x, 0, x + width, ends[name]),))
    for group, y in enumerate(plan.group_y):
        bar = y + driver.BAR_Y
        rect = PinRect("met3", 0, bar - 165, plan.driver_x, bar + 165)
        pins[f"b_n[{group}]"] = BankPin(f"b_n[{group}]", "INPUT", "SIGNAL", (rect,))
    half = plan.dims.bit_line // 2
    for wire in foot_wires(plan, spec):
        rect = PinRect("met3", wire.x - half, 0, wire.x + half, plan.rails[4])
        pins[wire.pin] = BankPin(wire.pin, wire.direction, "SIGNAL", (rect,))
    pins["VPWR"], pins["VGND"] = _supplies(plan)
    return tuple(pins[name] for name in port_names(spec))


def _supplies(plan: RomPlan) -> tuple[BankPin, BankPin]:
    """met4 straps for met5 straps of the chip to cross; every other ground strap ends above the latches."""
    half, edge = plan.dims.strap // 2, plan.dims.edge
    top = plan.height - edge
    power = [PinRect("met4", x - half, edge, x + half, top) for x in plan.supply_x]
    x = plan.driver_x + 475
    power.append(PinRect("met4", x - half, plan.tap_y[0] - half, x + half, top))
    ground = [
        PinRect("met4", x - half, plan.tap_y[0] - half if n % 2 else edge, x + half, top)
        for n, x in enumerate(plan.strap_x)
    ]
    return (
        BankPin("VPWR", "INOUT", "POWER", tuple(power)),
        BankPin("VGND", "INOUT", "GROUND", tuple(ground)),
    )
