"""Faults for SDF: a check of timing that does not find them proves nothing."""

__all__ = ["lengthen", "without"]

import re

from signoff.timing.sdf import TRIPLE, entries, plain_name

_TRIPLE = rf"\(\s*({TRIPLE})\s*\)"


def lengthen(text: str, pin: str, rise: float = 0, fall: float = 0) -> str:
    """The SDF with the wire to a pin slower.

    Args:
        text: SDF in ns.
        pin: "instance/pin", without backslashes.
        rise, fall: ns more for each edge.

    Raises:
        ValueError: There is no such wire, or more than one.
    """
    found = list(
        re.finditer(rf"(\(INTERCONNECT\s+\S+\s+{_name(pin)}\s+){_TRIPLE}(?:\s*{_TRIPLE})?\s*\)", text)
    )
    if len(found) != 1:
        raise ValueError(f"{len(found)} wires end at {pin}")
    (m,) = found
    edges = _more(m[2], rise), _more(m[2] if m[3] is None else m[3], fall)
    return f"{text[: m.start()]}{m[1]}({edges[0]}) ({edges[1]})){text[m.end() :]}"


def without(text: str, instance: str) -> str:
    """The SDF without the delays and limits of an instance.

    Raises:
        ValueError: It has none.
    """
    for head, end in entries(text):
        if plain_name(head[2]) == instance:
            return text[: head.start()] + text[end:]
    raise ValueError(f"{instance} is not in the SDF")


def _name(plain: str) -> str:
    """Pattern of a name whose special characters may have backslashes."""
    return "".join(c if c.isalnum() or c == "_" else rf"\\?{re.escape(c)}" for c in plain)


def _more(triple: str, by: float) -> str:
    if not triple:  # no time at all: from none
        return f"{by:.4f}::{by:.4f}" if by else ""
    return ":".join(f"{float(x) + by:.4f}" if x else "" for x in triple.split(":"))
