"""Gates of the periphery, drawn between two rails: ground at 0, supply at `latch.ROW`.

Inputs come in between n and p, at `Y2` or `Y1`; every transistor has the widths of `WIDTHS`.
"""

__all__ = [
    "N1",
    "N2",
    "NAND",
    "N_CONTACTS",
    "N_DIFFUSION",
    "P1",
    "P2",
    "PITCH",
    "P_CONTACTS",
    "P_DIFFUSION",
    "WIDE_NAND",
    "WIDTHS",
    "Y1",
    "Y2",
    "inverter",
    "nand",
    "nor",
    "row_taps",
    "wide_nand",
]

from base_chip.arrays.latch import ROW
from base_chip.arrays.pen import Pen

N_DIFFUSION, P_DIFFUSION = _N, _P = (240, 1100), (2035, 3495)
N_CONTACTS, P_CONTACTS = (420, 760), (2220, 2560, 2900, 3240)
Y1, Y2 = 1375, 1715  # inputs
_OUT, _NOR_OUT = 1795, 1295  # li1 of outputs, on its way between n and p
N1, N2, P1, P2 = 400, 800, 2310, 2760  # met1 tracks over n and over p
PITCH = 430
NAND = 1535  # from one NAND to the next
WIDE_NAND = 4 * PITCH  # and of wide ones, which share supplies
WIDTHS = _P[1] - _P[0], _N[1] - _N[0]  # of every transistor, p and n


def inverter(
    c: Pen, x: int, fingers: int, *, kinds: str = "np", inputs: int | None = None, met1: bool = True
) -> None:
    """Fingers side by side; supplies at even nodes, where the input comes in, outputs at odd ones.

    Args:
        c: Cell to draw in.
        x: Left end of the diffusion.
        fingers: Gates.
        kinds: "n" or "p" for one transistor of the two.
        inputs: Supply nodes, from the left, at which the input has a contact; None for all.
        met1: Whether these contacts go on to met1.
    """
    first, wanted = x + 145, inputs or (fingers + 2) // 2 if fingers > 1 else 1
    _body(c, x, first + fingers * PITCH + 145, kinds)
    for n in range(fingers + 1):
        node = first + n * PITCH
        if n % 2:
            ys = (*(N_CONTACTS if "n" in kinds else ()), *(P_CONTACTS if "p" in kinds else ()))
            _column(c, node, ys)
            c.rect("li1", node - 85, ys[0] - 165, node + 85, ys[-1] + 165)
        else:
            _rail_node(c, node, n="n" in kinds, p="p" in kinds)
            if n // 2 < wanted:
                c.poly_contact(node, Y2)
                if met1:
                    c.to_met1(node, Y2)
    low = _N[0] - 130 if "n" in kinds else Y2 - 135
    high = _P[1] + 130 if "p" in kinds else Y2 + 135
    for n in range(fingers):
        gate = first + n * PITCH + PITCH // 2
        c.rect("poly", gate - 75, low, gate + 75, high)
    c.rect("poly", first, Y2 - 135, first + fingers * PITCH - PITCH // 2, Y2 + 135)


def nand(c: Pen, x: int) -> None:
    """Inputs at x + 145 (`Y2`) and at x + 780 (`Y1`), output at x + 575 over p and x + 1120 over n."""
    first, out = x + 145, x + 1120
    _rail_node(c, out, n=False)
    _column(c, first + PITCH, P_CONTACTS)
    _column(c, out, N_CONTACTS)
    c.rect("li1", first + PITCH - 85, _OUT - 85, first + PITCH + 85, P_CONTACTS[-1] + 165)
    c.rect("li1", first + PITCH - 85, _OUT - 85, out + 85, _OUT + 85)
    c.rect("li1", out - 85, N_CONTACTS[0] - 165, out + 85, _OUT + 85)
    _two_inputs(c, x, Y2, Y1)


def nor(c: Pen, x: int) -> None:
    """Inputs at x + 145 (`Y1`) and at x + 780 (`Y2`), output at x + 575 over n and x + 1120 over p."""
    first, out = x + 145, x + 1120
    _rail_node(c, out, p=False)
    _column(c, first + PITCH, N_CONTACTS)
    _column(c, out, P_CONTACTS)
    c.rect("li1", first + PITCH - 85, N_CONTACTS[0] - 165, first + PITCH + 85, _NOR_OUT + 85)
    c.rect("li1", first + PITCH - 85, _NOR_OUT - 85, out + 85, _NOR_OUT + 85)
    c.rect("li1", out - 85, _NOR_OUT - 85, out + 85, P_CONTACTS[-1] + 165)
    _two_inputs(c, x, Y1, Y2)


def wide_nand(c: Pen, x: int) -> None:
    """Two fingers a transistor, mirrored; nodes at x + 145 and every `PITCH` after it:

        p  VPWR |quick| out |slow| VPWR |slow| out |quick| VPWR
        n  VGND |quick|     |slow| out  |slow|     |quick| VGND

    The quick input comes in at both ends (`Y1`), the slow one in the middle (`Y2`); the output is on li1 over
    p at odd nodes, and over n in the middle.
    """
    first, half = x + 145, PITCH // 2
    middle, last = first + 2 * PITCH, first + 4 * PITCH
    _body(c, x, last + 145, "np")
    for end in (first, last):
        _rail_node(c, end)
        c.poly_contact(end, Y1, tall=True, li_tall=True)
        c.to_met1(end, Y1 - 45)
    _rail_node(c, middle, n=False)
    _column(c, middle, N_CONTACTS)
    out = middle - PITCH, middle + PITCH
    low = N_CONTACTS[-1] - 85
    c.rect("li1", middle - 85, N_CONTACTS[0] - 165, middle + 85, N_CONTACTS[-1] + 165)
    c.rect("li1", out[0] - 85, low, out[1] + 85, low + 170)
    for node in out:
        _column(c, node, P_CONTACTS)
        c.rect("li1", node - 85, low, node + 85, P_CONTACTS[-1] + 165)
    for n in range(4):
        gate = first + n * PITCH + half
        c.rect("poly", gate - 75, _N[0] - 130, gate + 75, _P[1] + 130)
    c.poly_contact(middle, Y2)
    c.rect("poly", middle - half, Y2 - 135, middle + half, Y2 + 135)
    for x0, x1 in ((first, first + half), (last - half, last)):
        c.rect("poly", x0, Y1 - 165, x1, Y1 + 165)


def row_taps(c: Pen, n: int | None, p: int | None) -> None:
    """Taps at two x: of the substrate, between n transistors, and of the well."""
    low, high = N_CONTACTS[0] + 90 - 205, P_CONTACTS[0] + 80
    for kind, x, y, rail in (("p", n, low, -85), ("n", p, high, ROW + 85)):
        if x is None:
            continue
        c.tap(kind, x - 145, y, x + 145, y + 410)
        if kind == "p":  # what parts it from the mirrored row's would be too narrow
            c.rect("psdm", x - 270, 0, x + 270, y)
        c.pad("licon1", x, y + 205, 170)
        c.rect("li1", x - 85, min(y + 40, rail), x + 85, max(y + 370, rail))


def _two_inputs(c: Pen, x: int, left: int, right: int) -> None:
    first, out = x + 145, x + 1120
    _body(c, x, out + 145, "np")
    _rail_node(c, first)
    gates = first + PITCH // 2, first + 3 * PITCH // 2
    for gate in gates:
        c.rect("poly", gate - 75, _N[0] - 130, gate + 75, _P[1] + 130)
    c.poly_contact(first, left)
    c.rect("poly", first, left - 135, gates[0], left + 135)
    c.poly_contact(first + 635, right, tall=True, li_tall=True)


def _body(c: Pen, x0: int, x1: int, kinds: str) -> None:
    if "n" in kinds:
        c.diffusion("n", x0, _N[0], x1, _N[1])
    if "p" in kinds:
        c.diffusion("p", x0, _P[0], x1, _P[1])


def _rail_node(c: Pen, x: int, *, n: bool = True, p: bool = True) -> None:
    if n:
        _column(c, x, N_CONTACTS)
        c.rect("li1", x - 85, -85, x + 85, N_CONTACTS[-1] + 165)
    if p:
        _column(c, x, P_CONTACTS)
        c.rect("li1", x - 85, P_CONTACTS[0] - 165, x + 85, ROW + 85)


def _column(c: Pen, x: int, ys: tuple[int, ...]) -> None:
    for y in ys:
        c.pad("licon1", x, y, 170)
