"""The bank's pins: one list that layout, LEF and netlists read."""

__all__ = ["BankPin", "PinRect", "bank_pins"]

from dataclasses import dataclass

from base_chip.bank.plan import BankPlan


@dataclass(frozen=True)
class PinRect:
    """A rectangle of a pin in dbu."""

    layer: str
    x0: int
    y0: int
    x1: int
    y1: int


@dataclass(frozen=True)
class BankPin:
    """A pin: `use` and `direction` are LEF's words."""

    name: str
    direction: str
    use: str
    rects: tuple[PinRect, ...]


def bank_pins(plan: BankPlan) -> tuple[BankPin, ...]:
    """All pins, in the order of the netlist's ports: WL, PRE_N, BL, VPWR, VGND."""
    words = (_left_pin(plan, f"WL[{w}]", int(y), w % 2) for w, y in enumerate(plan.word_y))
    pre = _left_pin(plan, "PRE_N", plan.pre_node_y[2], 0)
    bits = (_bit_pin(plan, b, int(x)) for b, x in enumerate(plan.bit_x))
    return (
        *words,
        pre,
        *bits,
        _supply(plan, "VPWR", "POWER", plan.supply_x),
        _supply(plan, "VGND", "GROUND", plan.strap_x),
    )


def _left_pin(plan: BankPlan, name: str, y: int, parity: int) -> BankPin:
    """met1 from the left edge to a contact: the preferred direction of met1 is horizontal."""
    w, h = plan.dims.met1_pad
    rect = PinRect("met1", 0, y - h // 2, plan.word_pad_x[parity] + w // 2, y - h // 2 + h)
    return BankPin(name, "INPUT", "SIGNAL", (rect,))


def _bit_pin(plan: BankPlan, bit: int, x: int) -> BankPin:
    """The bit line's met3 and, below it, met2 that leaves downwards in its preferred direction."""
    d = plan.dims
    rects = tuple(
        PinRect(layer, x - width // 2, 0, x - width // 2 + width, top)
        for layer, width, top in (
            ("met2", d.met2_pad[1], plan.bit_pin_via_y + d.via2),
            ("met3", d.bit_line, d.pin_strip),
        )
    )
    return BankPin(f"BL[{bit}]", "OUTPUT", "SIGNAL", rects)


def _supply(plan: BankPlan, name: str, use: str, columns: tuple[int, ...]) -> BankPin:
    """met4 straps over the whole height, for met5 straps of the chip to cross."""
    half, d = plan.dims.strap // 2, plan.dims
    bottom, top = d.pin_strip, plan.height - d.edge
    rects = tuple(PinRect("met4", x - half, bottom, x + half, top) for x in columns)
    return BankPin(name, "INOUT", use, rects)
