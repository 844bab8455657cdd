"""SPICE deck of an SRAM macro that rests: every transistor is there, like ones as one with a multiplier."""

__all__ = ["leakage_deck"]

from collections.abc import Iterator

from base_chip.arrays import gates
from base_chip.arrays.characterise.deck import framed
from base_chip.arrays.spice import Devices
from base_chip.arrays.sram import driver
from base_chip.arrays.sram.characterise.deck import tagged
from base_chip.arrays.sram.spec import GROUP_ROWS, SramSpec
from base_chip.arrays.sram.spice import bit, column_foot, control_devices, drivers
from base_chip.bank.characterise.corners import Corner


def leakage_deck(spec: SramSpec, corner: Corner, models: str, stop_ns: float) -> str:
    """A macro with clk high that neither reads nor writes; half of its bits are ones.

    `leakage` is the supply's mean current.
    """
    lines = [*_devices(spec), f".measure tran leakage avg i(Vdd) from={stop_ns / 2}n to={stop_ns}n"]
    return framed(f"{spec.name}, {corner.name}, at rest", corner, models, lines, stop_ns)


def _devices(spec: SramSpec) -> Iterator[str]:
    low = ("enable", "write[0]", "d[0]", *(f"a[{n}]" for n in range(GROUP_ROWS)))
    for n, pin in enumerate((*low, "clk", "b_n[0]")):
        yield f"Vin{n} {pin} 0 {'0' if pin in low else '{vdd}'}"
    columns, cells = (
        Devices(spec, simulated=True, count=n) for n in (spec.bits, spec.words * spec.bits // 2)
    )
    rows = Devices(spec, simulated=True, count=spec.words // driver.ROWS)
    yield from tagged("c", control_devices(Devices(spec, simulated=True)))
    yield from tagged("d", drivers(rows, 0))
    yield from tagged("f", column_foot(columns, 0))
    yield from tagged(
        "w", [Devices(spec, simulated=True, count=spec.bytes).n("w_n", "write[0]", "VGND", gates.WIDTHS[1])]
    )
    for value in (0, 1):
        left, right = f"l{value}", f"r{value}"
        yield from tagged(f"b{value}", bit(cells, left, right, "rwl0", "wwl0", 0))
        high = {1: "{vdd}", 0: "0"}
        yield f".nodeset v({left})={high[1 - value]} v({right})={high[value]}"
    yield ".nodeset v(m0)=0 v(q[0])={vdd}"
