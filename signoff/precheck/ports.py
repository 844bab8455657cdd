"""Ports of a die as its LEF tells them."""

__all__ = ["read_ports"]

import re

import klayout.db as kdb

from rtl_gen.errors import FlowError
from signoff.assembly.routed import Port

_PIN = re.compile(
    r"^  PIN (\S+)\n\s+DIRECTION (\w+) ;\n\s+USE (\w+) ;\n\s+PORT\n(.*?)^    END\n  END \1$", re.M | re.S
)
_SHAPE = re.compile(r"LAYER (\w+) ;|RECT (\S+) (\S+) (\S+) (\S+) ;")


def read_ports(lef: str, cell: str) -> dict[str, Port]:
    """Ports of a cell by name, one for each bit, with their shapes in nm.

    Raises:
        FlowError: The text has no such cell, or a pin of it is not as it should be.
    """
    found = re.search(rf"^MACRO {re.escape(cell)}\n(.*?)^END {re.escape(cell)}$", lef, re.M | re.S)
    body = found[1] if found else ""
    ports = {name: Port(way, use, _shapes(text)) for name, way, use, text in _PIN.findall(body)}
    names = re.findall(r"^\s*PIN (\S+)", body, re.M)
    if not ports or sorted(ports) != sorted(names):
        lost = [name for name in names if name not in ports]
        raise FlowError(
            f"{len(names)} pins in the LEF of {cell}, of which {len(lost)} cannot be read",
            where=f"pin {lost[0]}" if lost else "", hint="Build again with --from stitch.",
        )  # fmt: skip
    return ports


def _shapes(text: str) -> tuple[tuple[str, kdb.Box], ...]:
    shapes, on = [], ""
    for layer, *corners in _SHAPE.findall(text):
        on = layer or on
        if not layer:
            shapes.append((on, kdb.Box(*(round(float(v) * 1000) for v in corners))))
    return tuple(shapes)
