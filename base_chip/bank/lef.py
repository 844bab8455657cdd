"""A memory as place and route sees it."""

__all__ = ["macro_lef"]

from collections.abc import Callable, Iterable, Iterator

from base_chip.bank.pins import BankPin, PinRect


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


def _pin(pin: BankPin, antenna: Iterable[str]) -> Iterator[str]:
    yield f"  PIN {pin.name}"
    yield f"    DIRECTION {pin.direction} ;"
    yield f"    USE {pin.use} ;"
    yield from antenna
    yield "    PORT"
    for rect in pin.rects:
        yield from (f"  {line}" for line in _rect(rect))
    yield from ("    END", f"  END {pin.name}")


def _rect(rect: PinRect) -> Iterator[str]:
    yield f"    LAYER {rect.layer} ;"
    yield f"      RECT {_um(rect.x0)} {_um(rect.y0)} {_um(rect.x1)} {_um(rect.y1)} ;"


def _um(dbu: int) -> str:
    return f"{dbu / 1000:.3f}"
