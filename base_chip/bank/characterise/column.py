"""SPICE of one bit line: its transistors with their diffusion, its contacts and its wire."""

__all__ = ["Column"]

import math
from collections.abc import Iterator
from dataclasses import dataclass

from base_chip.bank.characterise.corners import Corner, mismatch
from base_chip.bank.plan import BankPlan
from base_chip.bank.spec import BankSpec


@dataclass(frozen=True)
class Column:
    """A bit line with the cell at its upper end, and its pin at the lower one.

    Args:
        spec: The bank.
        corner: Supply and parasitics.
        late: Whether the column is the slowest there is: a via at every row, neighbours that keep their
            level, a cell at the edge of its block and the weakest of a bank. Otherwise the fastest:
            no other via, neighbours that move along, a cell amid its block and the strongest of a bank.
    """

    spec: BankSpec
    corner: Corner
    late: bool

    def subcircuit(self, name: str, count: int, load_ff: float, shift: float = 0) -> Iterator[str]:
        """Bit lines in parallel, as a subcircuit with ports wl, pre, vdd and out.

        Multipliers stand at transistors alone: ngspice-39 forgets them inside a subcircuit of which any
        instance has one of its own, and the bit line would be as light as two cells.

        Args:
            name: Of the subcircuit.
            count: Bit lines; all move alike.
            load_ff: Capacitance behind each one's pin.
            shift: Threshold of the cells that read, relative to a typical one, in V.
        """
        half = self.capacitance_ff() / 2
        yield f".subckt {name} wl pre vdd out"
        yield f"Vshift wl gate {shift:.5f}"
        yield f"Xread drain gate source 0 {self.cell(count)}"
        yield f"Rsource source 0 {self.source_ohm() / count:.5g}"
        yield f"Rdrain drain top {self.drain_ohm() / count:.5g}"
        if self.late:
            yield f"Xoff top 0 0 0 {self.cell(count * (self.spec.word_lines - 1))}"
        yield f"Xdummy top 0 {'top' if self.late else '0'} 0 {self.cell(count * self._dummies())}"
        yield from self._precharge(count)
        yield f"Rwire top out {self._wire_ohm() / count:.5g}"
        yield f"Ctop top 0 {half * count:.4f}f"
        yield f"Cout out 0 {(half + load_ff) * count:.4f}f"
        yield ".ends"

    def capacitance_ff(self) -> float:
        """The bit line's wire, without transistors."""
        rows = self.spec.word_lines
        wires = self.corner.wires
        ground = wires.line("bit_line", "set" if self.late else "empty", rows)
        return ground + (2 * self.neighbour_ff() if self.late else 0)

    def neighbour_ff(self) -> float:
        """From the bit line to each of those beside it."""
        return self.corner.wires.line("neighbour", "set" if self.late else "empty", self.spec.word_lines)

    def shift(self) -> float:
        """Threshold of the bank's weakest (late) or strongest cell, relative to a typical one, in V."""
        d, local = self.spec.dims, mismatch(self.spec.pdk)
        sigma = local.volt_um / math.sqrt(d.channel * d.gate / 1e6)
        return local.sigmas * sigma * (1 if self.late else -1)

    def cell(self, count: int) -> str:
        """Model and size of some cells' transistors; half of the diffusion at either side is another gate's.

        The length of diffusion beside the gate (stress) is that of the block's first row, or of its middle.
        """
        d, plan = self.spec.dims, BankPlan(self.spec)
        length = plan.block_span + 2 * d.diff_end - d.gate
        edge = d.diff_end + d.node_pitch // 2 - d.gate // 2
        return self._device("nfet", edge if self.late else length // 2, length, count)

    def source_ohm(self) -> float:
        """From a cell's source to ground: contact, and the rail that a group of cells shares."""
        d, ohms = self.spec.dims, self.corner.wires.ohms
        contact = ohms["ndc"] + ohms["mcon"]
        columns = min(self.spec.columns_per_strap, self.spec.bit_lines) + 1
        # Every cell of the group discharges its bit line: the middle one sees n * n / 8 pitches of rail.
        rail = ohms["met1"] * d.column_pitch / d.source_rail * columns**2 / 8
        return contact + (rail if self.late else 0)

    def drain_ohm(self) -> float:
        """From a cell's drain up to met3."""
        ohms = self.corner.wires.ohms
        return ohms["ndc"] + ohms["mcon"] + ohms["via"] + ohms["via2"]

    def _dummies(self) -> int:
        """Dummy transistors on the bit line: one a pair of rows; its other side is the other row's drain."""
        return self.spec.word_lines // 2 if self.late else 1

    def _wire_ohm(self) -> float:
        d = self.spec.dims
        return self.corner.wires.ohms["met3"] * BankPlan(self.spec).bit_line_top / d.bit_line

    def _precharge(self, count: int) -> Iterator[str]:
        """Fingers between supply and bit line in turn; two fingers share a contact inside the column."""
        spec, ohms = self.spec, self.corner.wires.ohms
        up = ohms["pdc"] + ohms["mcon"]
        for node in range(spec.precharge_fingers + 1):
            to = ("vdd", up) if node % 2 == 0 else ("top", up + ohms["via"] + ohms["via2"])
            yield f"Rpre{node} p{node} {to[0]} {to[1] / count:.5g}"
        d = spec.dims
        length = spec.precharge_fingers * d.node_pitch + 2 * d.diff_end - d.gate
        for finger in range(spec.precharge_fingers):
            edge = d.diff_end + finger * d.node_pitch + d.node_pitch // 2 - d.gate // 2
            supply, drain = sorted((finger, finger + 1), key=lambda node: node % 2)
            yield f"Xpre{finger} p{drain} pre p{supply} vdd {self._device('pfet', edge, length, count)}"

    def _device(self, role: str, edge: int, length: int, count: int) -> str:
        """A transistor: diffusion on either side is shared by two gates; `edge` lies before this one."""
        d = self.spec.dims
        width, height = d.channel / 1000, (d.node_pitch - d.gate) / 1000
        area, around = width * height / 2, width + height
        return (
            f"{self.spec.process.devices[role]} w={width:g} l={d.gate / 1000:g}"
            f" ad={area:.4g} as={area:.4g} pd={around:.4g} ps={around:.4g}"
            f" sa={edge / 1000:g} sb={(length - edge) / 1000:g} m={count}"
        )
