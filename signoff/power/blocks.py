"""What part of a chip a cell of a flat netlist is of, as far as its names tell."""

__all__ = ["block_of"]

from collections.abc import Collection

from signoff.netlist import Instance

_CLOCK = ("clkbuf_", "clkload")  # instances that clock tree synthesis adds
_STORED = ("Q", "Q_N")


def block_of(instance: Instance, banks: Collection[str]) -> str:
    """A module, "clock tree", "ROM banks", or "logic" for gates whose names tell nothing.

    A cell of a module that was mapped by itself has its path in its name, `core.datapath.engine/_12_`; a
    register has its module in the name of the net that it drives, `core.datapath.cache.words[3][1]`.

    Args:
        instance: Of the routed netlist.
        banks: Macros that are banks.
    """
    if instance.cell in banks:
        return "ROM banks"
    if instance.name.startswith(_CLOCK):
        return "clock tree"
    if "/" in instance.name:
        return instance.name.split("/")[0]
    for pin in _STORED:
        net = instance.pins.get(pin, ("",))[0]
        if "." in net:
            return net.split("[")[0].rsplit(".", 1)[0]
    return instance.name.split(".")[0] if "." in instance.name else "logic"
