"""The bank's small cells: contacts and via stacks, each centred on its contact.

Every cell is complete in itself: a contact brings the diffusion, implant and well around it along, as Magic
reads a layout cell by cell and tells the kind of a contact from the shapes in its own cell.
"""

__all__ = ["BankCells"]

from collections.abc import Callable
from dataclasses import dataclass

import klayout.db as db

from base_chip.bank.canvas import Canvas
from base_chip.bank.dims import BankDims
from base_chip.bank.spec import BankSpec


@dataclass(frozen=True)
class BankCells:
    """Cells that the bank repeats.

    Args:
        source: n-diffusion contact up to mcon, below a met1 rail.
        drain: n-diffusion contact up to the met2 pad of a program site.
        supply: p-diffusion contact up to mcon, below a met1 rail.
        precharge: p-diffusion contact up to a met3 bit line.
        strap: met1 rail up to a met3 strap.
        gate: Poly contact up to a met1 pad.
        ptap: One column of a substrate tap row; neighbours join.
        ntap: One column of the n-well's tap row.
        via3: One via from met3 to met4.
    """

    source: Canvas
    drain: Canvas
    supply: Canvas
    precharge: Canvas
    strap: Canvas
    gate: Canvas
    ptap: Canvas
    ntap: Canvas
    via3: Canvas

    @classmethod
    def draw(cls, spec: BankSpec, layout: db.Layout) -> "BankCells":
        """Add the cells to a layout, named after the bank so that two kinds of bank can share a chip."""

        def cell(name: str) -> Canvas:
            canvas = Canvas(layout, f"{spec.name}_{name}", spec.process)
            _PAINTERS[name](canvas, spec.dims)
            return canvas

        return cls(**{name: cell(name) for name in _PAINTERS})


def _contact(c: Canvas, d: BankDims) -> None:
    c.pad("licon1", 0, 0, d.contact)
    c.pad("li1", 0, 0, d.li_pad)
    c.pad("mcon", 0, 0, d.contact)


def _met1_to_met2(c: Canvas, d: BankDims) -> None:
    c.pad("met1", 0, 0, d.met1_pad)
    c.pad("via", 0, 0, d.via1)
    c.pad("met2", 0, 0, d.met2_pad)


def _diffusion(c: Canvas, d: BankDims, implant: str) -> None:
    """Diffusion between two gates, with its implant."""
    w, h = d.channel, d.node_pitch - d.gate
    c.pad("diff", 0, 0, (w, h))
    c.pad(implant, 0, 0, (w + 2 * d.implant, h + 2 * d.implant))


def _source(c: Canvas, d: BankDims) -> None:
    _diffusion(c, d, "nsdm")
    _contact(c, d)


def _drain(c: Canvas, d: BankDims) -> None:
    _source(c, d)
    _met1_to_met2(c, d)


def _supply(c: Canvas, d: BankDims) -> None:
    _diffusion(c, d, "psdm")
    c.pad("nwell", 0, 0, (d.channel + 2 * d.nwell, 2 * (d.diff_end + d.nwell)))
    _contact(c, d)


def _precharge(c: Canvas, d: BankDims) -> None:
    _supply(c, d)
    _strap(c, d)


def _strap(c: Canvas, d: BankDims) -> None:
    _met1_to_met2(c, d)
    c.pad("via2", 0, 0, d.via2)


def _gate(c: Canvas, d: BankDims) -> None:
    c.pad("poly", 0, 0, d.poly_pad)
    c.pad("npc", 0, 0, d.contact + 2 * d.npc)
    _contact(c, d)
    c.pad("met1", 0, 0, d.met1_pad)


def _tap(c: Canvas, d: BankDims, implant: str) -> None:
    across = -(d.column_pitch // 2), d.column_pitch - d.column_pitch // 2
    c.row("tap", across, 0, d.tap_height)
    c.row("li1", across, 0, d.li_pad[1])
    c.row("met1", across, 0, d.tap_rail)
    c.pad("licon1", 0, 0, d.contact)
    c.pad("mcon", 0, 0, d.contact)
    c.pad(implant, 0, 0, (d.column_pitch + 2 * d.implant, d.tap_height + 2 * d.implant))


def _ptap(c: Canvas, d: BankDims) -> None:
    _tap(c, d, "psdm")


def _ntap(c: Canvas, d: BankDims) -> None:
    _tap(c, d, "nsdm")
    c.pad("nwell", 0, 0, (d.column_pitch + 2 * d.nwell, d.tap_height + 2 * d.nwell))


def _via3(c: Canvas, d: BankDims) -> None:
    c.pad("via3", 0, 0, d.via3)


_PAINTERS: dict[str, Callable[[Canvas, BankDims], None]] = {
    "source": _source,
    "drain": _drain,
    "supply": _supply,
    "precharge": _precharge,
    "strap": _strap,
    "gate": _gate,
    "ptap": _ptap,
    "ntap": _ntap,
    "via3": _via3,
}
