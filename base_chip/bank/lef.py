"""The bank as place and route sees it."""

__all__ = ["bank_lef", "macro_lef"]

from collections.abc import Callable, Iterable, Iterator

from base_chip.bank.pins import BankPin, PinRect, bank_pins
from base_chip.bank.plan import BankPlan
from base_chip.bank.spec import BankSpec


def bank_lef(spec: BankSpec) -> str:
    """A LEF file with the bank's macro: boundary, pins, and what routing must keep out of.

    met4 is free between the supply straps. A wire there crosses above bit lines, which hold their
    charge on about 300 fF each; met3 and below are blocked over the array.
    """
    plan = BankPlan(spec)
    size = plan.width, plan.height
    return macro_lef(spec.name, size, bank_pins(plan), obstructions(plan), lambda pin: _antenna(plan, pin))


def macro_lef(
    name: str,
    size: tuple[int, int],
    pins: Iterable[BankPin],
    blocked: Iterable[PinRect],
    antenna: Callable[[BankPin], Iterable[str]],
) -> str:
    """A LEF file with one block.

    Args:
        name: Of the macro.
        size: Width and height in dbu.
        pins: In the order of the netlist's ports.
        blocked: Metal that is not part of a pin.
        antenna: Lines that a pin's antenna needs.
    """
    return "\n".join(_lines(name, size, pins, blocked, antenna)) + "\n"


def _lines(
    name: str,
    size: tuple[int, int],
    pins: Iterable[BankPin],
    blocked: Iterable[PinRect],
    antenna: Callable[[BankPin], Iterable[str]],
) -> Iterator[str]:
    yield from ("VERSION 5.7 ;", 'BUSBITCHARS "[]" ;', 'DIVIDERCHAR "/" ;')
    yield from (f"MACRO {name}", "  CLASS BLOCK ;", f"  FOREIGN {name} 0 0 ;", "  ORIGIN 0 0 ;")
    yield f"  SIZE {_um(size[0])} BY {_um(size[1])} ;"
    yield "  SYMMETRY X Y ;"
    for pin in pins:
        yield from _pin(pin, antenna(pin))
    yield "  OBS"
    for rect in blocked:
        yield from _rect(rect)
    yield from ("  END", f"END {name}", "END LIBRARY")


def obstructions(plan: BankPlan) -> tuple[PinRect, ...]:
    """Metal that is not part of a pin, as few rectangles."""
    d, (left, right) = plan.dims, plan.array_x
    tap, top = plan.tap_y[0], plan.ntap_y
    pre = plan.pre_node_y[2]
    half1, half2 = d.tap_rail // 2, d.met2_pad[1] // 2
    return (
        PinRect("li1", 0, 0, plan.width, plan.height),
        PinRect("met1", left, tap - half1, right, top + half1),
        PinRect("met2", left, tap - half2, right, top + half2),
        PinRect("met2", plan.word_pad_x[0] - d.met2_pad[0] // 2, pre - half2, left, pre + half2),
        PinRect("met3", left, d.pin_strip, right, plan.rail_y[1]),
    )


def _pin(pin: BankPin, antenna: Iterable[str]) -> Iterator[str]:
    yield f"  PIN {pin.name}"
    yield f"    DIRECTION {pin.direction} ;"
    yield f"    USE {pin.use} ;"
    yield from antenna
    yield "    PORT"
    for rect in pin.rects:
        yield from (f"  {line}" for line in _rect(rect))
    yield from ("    END", f"  END {pin.name}")


def _antenna(plan: BankPlan, pin: BankPin) -> Iterator[str]:
    """Gate area behind a pin, in square micrometres.

    Bit lines state no diffusion: theirs is reached through the program layer, so wires on met1 and met2 hang
    on the gates that read them alone until via2 is etched, and a router must protect them as if there were
    none.
    """
    d, spec = plan.dims, plan.spec
    gate = d.channel * d.gate * spec.bit_lines / 1e6
    if pin.name == "PRE_N":
        yield f"    ANTENNAGATEAREA {gate * spec.precharge_fingers:.4f} ;"
    elif pin.direction == "INPUT":
        yield f"    ANTENNAGATEAREA {gate:.4f} ;"


def _rect(rect: PinRect) -> Iterator[str]:
    yield f"    LAYER {rect.layer} ;"
    yield f"      RECT {_um(rect.x0)} {_um(rect.y0)} {_um(rect.x1)} {_um(rect.y1)} ;"


def _um(dbu: int) -> str:
    return f"{dbu / 1000:.3f}"
