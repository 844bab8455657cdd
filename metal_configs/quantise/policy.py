"""How to quantise: which method, how many bits for which matrix."""

__all__ = ["FINAL", "WIDTHS", "Format", "Method", "Policy"]

from dataclasses import dataclass, field
from typing import Literal

from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.quantised import LANE_BITS

Method = Literal["rtn", "gptq", "learned"]
WIDTHS = (3, 4, 5, 6)
FINAL = 8  # bits of the matrix between final norm and head of a rotated tied model: small, and read by all


@dataclass(frozen=True, order=True)
class Format:
    """How one matrix is stored: bits of a code."""

    bits: int

    def rom_bits(self, outputs: int, inputs: int) -> int:
        """Bits of ROM that a matrix takes: codes and a factor per output."""
        return outputs * (inputs * self.bits + LANE_BITS)


@dataclass(frozen=True)
class Policy:
    """How to quantise.

    Attributes:
        method: "rtn" (nearest codes, scale of least square error), "gptq" (needs calibration sequences) or
            "learned" (GPTQ, then codes and scales of each layer trained together; needs PyTorch).
        bits: Width of a code: 3 .. 6. Keys are a matrix ("layers.0.down"), a kind ("down"), or "*" for the
            rest, the narrower key first. An integer stands for {"*": it, "embed": 6, "head": 6}.
        damping: GPTQ: added to the Hessian's diagonal, as a share of its mean.
    """

    method: Method = "rtn"
    bits: int | dict[str, int] = field(default=4)
    damping: float = 0.01

    def format_of(self, name: str) -> Format:
        """How one matrix is stored.

        Raises:
            FlowError: A width or a group that there is not, or no key fits.
        """
        if name == "final":
            return Format(FINAL)
        bits = self.bits if isinstance(self.bits, dict) else {"*": self.bits, "embed": 6, "head": 6}
        value = next((bits[k] for k in (name, name.rpartition(".")[2], "*") if k in bits), None)
        if value not in WIDTHS:
            raise FlowError(
                f"{name} would have {value} bits, expected one of {WIDTHS}", where="quantise policy",
                code=ExitCode.USAGE, hint='Give a key "*" for the matrices that are not named.',
            )  # fmt: skip
        assert value is not None
        return Format(value)

    @classmethod
    def of_formats(cls, formats: dict[str, Format], method: Method = "gptq") -> "Policy":
        """A policy that names every matrix."""
        return cls(method, {n: f.bits for n, f in formats.items()})
