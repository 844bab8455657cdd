"""Netlist, LEF and constraints of a die of tiles."""

__all__ = ["die_lef", "die_verilog"]

from collections.abc import Iterator, Sequence

from base_chip.bank.lef import macro_lef
from base_chip.bank.pins import BankPin, PinRect
from base_chip.stitch.plan import Placed, Port, StitchPlan

SUPPLIES = ("VPWR", "VGND")


def die_verilog(plan: StitchPlan, *, supplies: bool = False) -> str:
    """Verilog of the die: instances of tiles, and the wires at their seams.

    Args:
        plan: The die.
        supplies: Whether supplies are ports too, and inputs that are tied low are on ground: for a comparison
            with the layout. Otherwise these are constants.
    """
    return "\n".join(_module(plan, supplies)) + "\n"


def die_lef(plan: StitchPlan, pins: Sequence[BankPin], layers: Sequence[str]) -> str:
    """The LEF abstract of the die: its pins, and all of it blocked.

    Args:
        plan: The die.
        pins: As `stitch_layout` returns them.
        layers: Wire layers.
    """
    width, height = plan.die
    blocked = [PinRect(layer, 0, 0, width, height) for layer in layers]
    return macro_lef(plan.top, plan.die, pins, blocked, lambda pin: ())


def _module(plan: StitchPlan, supplies: bool) -> Iterator[str]:
    ports = plan.die_ports()
    names = [*(SUPPLIES if supplies else ()), *ports]
    yield f"module {plan.top} (" + ", ".join(names) + ");"
    if supplies:
        yield from (f"  inout {net};" for net in SUPPLIES)
    for name, (direction, width) in ports.items():
        yield f"  {direction.lower()} {_range(width)}{name};"
    wires = {p.net: p.width for t in plan.tiles for p in plan.joins(t).values() if p.role in ("seam", "feed")}
    yield from (f"  wire {_range(width)}{net};" for net, width in wires.items())
    for tile in plan.tiles:
        yield from _instance(plan, tile, supplies)
    yield "endmodule"


def _instance(plan: StitchPlan, tile: Placed, supplies: bool) -> Iterator[str]:
    on = [f".{net}({net})" for net in SUPPLIES] if supplies else []
    on += [f".{name}({_net(port, supplies)})" for name, port in plan.joins(tile).items()]
    yield f"  {tile.view.cell} {tile.name} (" + ",\n    ".join(on) + ");"


def _net(port: Port, supplies: bool) -> str:
    if port.role != "low":
        return port.net
    width = port.width or 1
    if not supplies:
        return f"{width}'b{'0' * width}"
    return "VGND" if port.width is None else "{" + ", ".join(["VGND"] * width) + "}"


def _range(width: int | None) -> str:
    return "" if width is None else f"[{width - 1}:0] "
