"""A canvas that knows the shapes of which transistors and wires of the periphery are made."""

__all__ = ["Pen"]

from base_chip.bank.canvas import Canvas

# sky130, nm; the rule that decides is named where one does
_CUT = 170  # licon1 and mcon
_GATE = 150
_IMPLANT = 125  # nsdm, psdm around diffusion
_WELL = 180  # n-well around p-diffusion (difftap.8)
_NPC = 185  # from a poly contact's centre (npc around it)
_VIA1, _VIA2, _VIA3 = 150, 200, 200
LONG, SHORT = 330, 170  # li1 over a licon: 80 in one direction (li.5)


class Pen(Canvas):
    """Draws contacts and wires; all coordinates in dbu, all positions centres."""

    def diffusion(self, kind: str, x0: int, y0: int, x1: int, y1: int) -> None:
        """Diffusion of a kind, "n" or "p", with its implant, and n-well below p."""
        self.rect("diff", x0, y0, x1, y1)
        self.rect(f"{kind}sdm", x0 - _IMPLANT, y0 - _IMPLANT, x1 + _IMPLANT, y1 + _IMPLANT)
        if kind == "p":
            self.rect("nwell", x0 - _WELL, y0 - _WELL, x1 + _WELL, y1 + _WELL)

    def tap(self, kind: str, x0: int, y0: int, x1: int, y1: int) -> None:
        """A tap of the well ("n") or of the substrate ("p")."""
        self.rect("tap", x0, y0, x1, y1)
        self.rect(f"{kind}sdm", x0 - _IMPLANT, y0 - _IMPLANT, x1 + _IMPLANT, y1 + _IMPLANT)
        if kind == "n":
            self.rect("nwell", x0 - _WELL, y0 - _WELL, x1 + _WELL, y1 + _WELL)

    def contact(self, x: int, y: int, *, tall: bool = False) -> None:
        """From diffusion or poly up to li1."""
        self.pad("licon1", x, y, _CUT)
        self.pad("li1", x, y, (SHORT, LONG) if tall else (LONG, SHORT))

    def poly_contact(self, x: int, y: int, *, tall: bool = False, li_tall: bool = False) -> None:
        """A poly pad with its contact."""
        self.pad("poly", x, y, (270, 330) if tall else (330, 270))
        self.pad("npc", x, y, 2 * _NPC)
        self.contact(x, y, tall=li_tall)

    def to_met1(self, x: int, y: int, *, tall: bool = False) -> None:
        """mcon with the least pad of met1 (m1.4, m1.5)."""
        self.pad("mcon", x, y, _CUT)
        self.pad("met1", x, y, (230, 290) if tall else (290, 230))

    def to_met2(self, x: int, y: int, *, tall: bool = False) -> None:
        """Via with least pads of met1 and met2 (via.4a, m2.4); met2 runs upright."""
        self.pad("via", x, y, _VIA1)
        self.pad("met1", x, y, (260, 320) if tall else (320, 260))
        self.pad("met2", x, y, (260, 320))

    def to_met3(self, x: int, y: int, *, tall: bool = False) -> None:
        """Via2 with least pads: met3 is too small to stand alone (m3.6)."""
        self.pad("via2", x, y, _VIA2)
        self.pad("met2", x, y, (280, 370) if tall else (370, 280))
        self.pad("met3", x, y, (330, 380) if tall else (380, 330))

    def stack(self, x: int, y: int, *, tall: bool = False) -> None:
        """met1 to met3."""
        self.to_met2(x, y, tall=tall)
        self.to_met3(x, y, tall=tall)

    def hline(self, layer: str, x0: int, x1: int, y: int, width: int = 140) -> None:
        """A horizontal wire, whose ends reach half its width beyond."""
        a, b = sorted((x0, x1))
        self.rect(layer, a - width // 2, y - width // 2, b + width // 2, y - width // 2 + width)

    def vline(self, layer: str, x: int, y0: int, y1: int, width: int = 140) -> None:
        """A vertical wire, likewise."""
        a, b = sorted((y0, y1))
        self.rect(layer, x - width // 2, a - width // 2, x - width // 2 + width, b + width // 2)
