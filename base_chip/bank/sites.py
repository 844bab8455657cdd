"""Where program vias may lie: the one source that writers, readers and checks of vias share."""

__all__ = ["SiteGrid"]

import json
from dataclasses import dataclass

import numpy as np

from base_chip.bank.plan import BankPlan
from base_chip.bank.spec import BankSpec
from rtl_gen.errors import FlowError

_FORMAT = "scf-sites-1"


@dataclass(frozen=True, eq=False)
class SiteGrid:
    """The via sites of one bank, in dbu from the bank's lower left corner.

    Word line w and bit line b cross at (x[b], y[w]); a via there (a square of `via`) is a 1, which pulls
    the bit line low when the word line is high.

    Args:
        bank: Name of the bank's cell.
        layer: Name of the program layer.
        x: Centre of each bit line, int64 [bit_lines], ascending.
        y: Centre of each word line's sites, int64 [word_lines], ascending.
        via: Side of the via.
    """

    bank: str
    layer: str
    x: np.ndarray
    y: np.ndarray
    via: int

    @classmethod
    def of(cls, spec: BankSpec) -> "SiteGrid":
        """The sites of a bank."""
        plan = BankPlan(spec)
        return cls(spec.name, "via2", plan.bit_x, plan.drain_y, spec.dims.via2)

    @property
    def shape(self) -> tuple[int, int]:
        """Word lines, bit lines."""
        return len(self.y), len(self.x)

    def centres(self, bits: np.ndarray) -> np.ndarray:
        """Centres of the vias that a bank's contents need.

        Args:
            bits: bool [word_lines, bit_lines].

        Returns:
            int64 [set bits, 2]: x and y, by word line, then bit line.

        Raises:
            FlowError: If `bits` has another shape.
        """
        if bits.shape != self.shape:
            raise FlowError(f"bits are {bits.shape}, bank {self.bank} has {self.shape} sites")
        word, bit = np.nonzero(bits)
        return np.stack([self.x[bit], self.y[word]], axis=1)

    def to_json(self) -> str:
        """Text from which `from_json` makes an equal grid."""
        return json.dumps(
            {
                "format": _FORMAT,
                "bank": self.bank,
                "layer": self.layer,
                "via": self.via,
                "x": self.x.tolist(),
                "y": self.y.tolist(),
            },
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str) -> "SiteGrid":
        """Read what `to_json` wrote.

        Raises:
            FlowError: If the text is of another format.
        """
        data = json.loads(text)
        if data.get("format") != _FORMAT:
            raise FlowError(f"site map has format {data.get('format')!r}, expected {_FORMAT!r}")
        x, y = np.array(data["x"], np.int64), np.array(data["y"], np.int64)
        return cls(data["bank"], data["layer"], x, y, int(data["via"]))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SiteGrid) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash(self.to_json())
