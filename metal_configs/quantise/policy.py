"""How to quantise: which method, how many bits for which matrix, one scale an output or steps by group."""

__all__ = ["GROUPS", "WIDTHS", "Format", "Method", "Policy"]

from dataclasses import dataclass, field
from typing import Literal

from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.quantised import LANE_BITS, STEP_BITS

Method = Literal["rtn", "gptq"]
WIDTHS = (3, 4, 5, 6)
FINAL = 8  # bits of the matrix between final norm and head of a rotated tied model: small, and read by all
GROUPS = (0, 32, 64, 128)  # inputs that share a step; 0: one scale an output and no steps


@dataclass(frozen=True, order=True)
class Format:
    """How one matrix is stored: bits of a code, and inputs that share a step (0: none do)."""

    bits: int
    group: int = 0

    def rom_bits(self, outputs: int, inputs: int) -> int:
        """Bits of ROM that a matrix takes: codes, a factor an output, a step a group."""
        groups = -(-inputs // self.group) if self.group else 0
        return outputs * (inputs * self.bits + LANE_BITS + groups * STEP_BITS)


@dataclass(frozen=True)
class Policy:
    """How to quantise.

    Attributes:
        method: "rtn" (nearest codes, scale of least square error) or "gptq" (needs calibration sequences).
        bits: Width of a code: 3 .. 6. Keys are a matrix ("layers.0.down"), a kind ("down"), or "*" for the
            rest, the narrower key first. An integer stands for {"*": it, "embed": 6, "head": 6}.
        group: Inputs that share a step: 0, 32, 64 or 128, by the same keys; an integer stands for all.
        damping: GPTQ: added to the Hessian's diagonal, as a share of its mean.
    """

    method: Method = "rtn"
    bits: int | dict[str, int] = field(default=4)
    group: int | dict[str, int] = 0
    damping: float = 0.01

    def format_of(self, name: str) -> Format:
        """How one matrix is stored.

        Raises:
            FlowError: A width or a group that there is not, or no key fits.
        """
        if name == "final":
            return Format(FINAL)
        bits = self.bits if isinstance(self.bits, dict) else {"*": self.bits, "embed": 6, "head": 6}
        group = self.group if isinstance(self.group, dict) else {"*": self.group}
        return Format(_pick(bits, name, WIDTHS, "bits"), _pick(group, name, GROUPS, "inputs a group"))

    @classmethod
    def of_formats(cls, formats: dict[str, Format], method: Method = "gptq") -> "Policy":
        """A policy that names every matrix."""
        return cls(method, {n: f.bits for n, f in formats.items()}, {n: f.group for n, f in formats.items()})


def _pick(table: dict[str, int], name: str, known: tuple[int, ...], what: str) -> int:
    value = next((table[k] for k in (name, name.rpartition(".")[2], "*") if k in table), None)
    if value not in known:
        raise FlowError(
            f"{name} would have {value} {what}, expected one of {known}", where="quantise policy",
            code=ExitCode.USAGE, hint='Give a key "*" for the matrices that are not named.',
        )  # fmt: skip
    assert value is not None
    return value
