"""The netlist that place and route wrote as that of a chip: boxes, and the nets on each of their pins."""

__all__ = ["chip_netlist"]

import re
from collections.abc import Mapping

from rtl_gen.errors import FlowError
from signoff.chip.netlist import ChipNetlist, Instance, Pins
from signoff.netlist import CONSTANTS, Netlist
from signoff.nets import Joined


def chip_netlist(module: Netlist, top: str, boxes: Mapping[str, Pins]) -> ChipNetlist:
    """What the layout of a chip should connect.

    Args:
        module: As place and route wrote it, with supplies.
        top: What the module must be called.
        boxes: Pins of each kind of cell; one that the module leaves out is on a net of its own.

    Returns:
        Its netlist; places of instances are their numbers in the module, as Verilog knows no others.

    Raises:
        FlowError: The module is another one, or uses unknown cells or pins, or constants.
    """
    if module.name != top:
        raise _fault(top, f"module {module.name}, expected {top}")
    ports = sorted(module.port_bits)
    same = Joined(module.aliases, keep={*ports, *CONSTANTS})
    faults = [f"{port} and {same.root(port)} are one net" for port in ports if same.root(port) != port]
    instances = []
    for number, instance in enumerate(module.instances.values()):
        if instance.cell not in boxes:
            raise _fault(top, f"unknown cell {instance.cell!r}, instance {instance.name}")
        known = boxes[instance.cell]
        nets = {pin: f"$open_{pin}_{instance.name}" for pin in known}
        for pin, on in instance.pins.items():
            if on == ("",):
                continue
            bits = _pin_bits(pin, known)
            if len(bits) != len(on):
                what = f"{instance.cell} has no pin {pin} of {len(on)} bits, instance {instance.name}"
                raise _fault(top, what)
            nets |= dict(zip(bits, map(same.root, on), strict=True))
        if set(nets.values()) & set(CONSTANTS):
            raise _fault(top, f"a constant on a pin of {instance.name}: a chip needs a tie cell for it")
        instances.append(Instance(instance.cell, (number, 0), nets))
    used = sorted({instance.cell for instance in instances})
    return ChipNetlist(top, tuple(ports), {kind: boxes[kind] for kind in used}, instances, faults)


def _pin_bits(pin: str, known: Pins) -> list[str]:
    """Names of the bits of a pin, the highest first; none if there is no such pin."""
    if pin in known:
        return [pin]
    bits = sorted(int(k[len(pin) + 1 : -1]) for k in known if re.fullmatch(rf"{re.escape(pin)}\[\d+\]", k))
    return [f"{pin}[{b}]" for b in reversed(bits)]


def _fault(top: str, what: str) -> FlowError:
    return FlowError(
        what, where=f"netlist of {top}", hint="It is not what place and route writes: harden again."
    )
