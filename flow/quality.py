"""Quantise a model of any size and measure it: what the command and the step of a build share."""

__all__ = ["Quantised", "Request", "measure", "run"]

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from base_chip.config import fitting_bases, load_base
from flow.tasks.parts import Model, token_sequences
from metal_configs.lower import golden_logits, lower, lower_wide
from metal_configs.quantise import Method, Policy, Rounded, average_bits, average_rom_bits
from metal_configs.quantise import quantise as quantise_checkpoint
from metal_configs.quantise.budget import choose_formats
from metal_configs.quantise.policy import GROUPS
from metal_configs.quantise.report import Report, report
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.decoder import GoldenDecoder
from rtl_gen.golden.params import IntModel
from rtl_gen.golden.quantised import QuantModel
from rtl_gen.golden.wide import WideDecoder
from rtl_gen.golden.wide_params import WideModel

Say = Callable[[str], None]
GOLDEN = "integer golden model"


@dataclass(frozen=True)
class Request:
    """What is asked of the quantiser.

    Attributes:
        method: "gptq" or "rtn".
        bits: Average bits of ROM a weight, scales included; None for 4 a code, 6 in embedding and head.
        groups: Inputs that may share a scale; None for all that the base takes.
        base: Whose arithmetic it is for; None for the first that holds the model, or the wide arithmetic.
    """

    method: str = "gptq"
    bits: float | None = None
    groups: tuple[int, ...] | None = None
    base: str | None = None


@dataclass(frozen=True)
class Quantised:
    """A quantised model, the text it was calibrated on, and the base it is for (None: wide arithmetic)."""

    model: QuantModel
    calibration: Sequence[Sequence[int]]
    base: str | None

    @property
    def average_bits(self) -> float:
        return average_bits(self.model)

    @property
    def average_rom_bits(self) -> float:
        return average_rom_bits(self.model)

    @cached_property
    def integers(self) -> IntModel | WideModel:
        """The integer model."""
        if self.base is not None:
            return lower(self.model, self.calibration)
        return lower_wide(self.model, self.calibration, Rounded(self.model))

    def decoder(self) -> GoldenDecoder | WideDecoder:
        """The golden model."""
        model = self.integers
        return WideDecoder(model) if isinstance(model, WideModel) else GoldenDecoder(model)


def run(model: Model, asked: Request, say: Say = lambda text: None) -> Quantised:
    """Quantise.

    Raises:
        FlowError: The base does not hold the model or has no group steps, or the budget is too small.
    """
    base = _base(model, asked)
    steps = base is None or load_base(base).engine.group_steps
    known = GROUPS if steps else (0,)
    groups = asked.groups or (known if asked.bits is not None else (0,))
    if stray := [g for g in groups if g not in known]:
        raise FlowError(
            f"groups of {stray[0]} inputs are asked for, base {base} has one scale an output",
            code=ExitCode.USAGE, hint="Pass --group 0, or a larger base.",
        )  # fmt: skip
    calibration = token_sequences(model, "calibration")
    method: Method = "rtn" if asked.method == "rtn" else "gptq"
    if asked.bits is None:
        policy = Policy(method, group=groups[0])
    else:
        formats = choose_formats(model.checkpoint, asked.bits, calibration, groups, say, method)
        policy = Policy.of_formats(formats, method)
    return Quantised(quantise_checkpoint(model.checkpoint, policy, calibration, say), calibration, base)


def _base(model: Model, asked: Request) -> str | None:
    fitting = fitting_bases(model.checkpoint.shape)
    if asked.base is None:
        return fitting[0] if fitting else None
    load_base(asked.base)
    if asked.base not in fitting:
        raise FlowError(
            f"base {asked.base} does not hold the model", where=model.checkpoint.name, code=ExitCode.USAGE,
            hint="`sc-flow models inspect` shows its dimensions; without --base the wide arithmetic is used.",
        )  # fmt: skip
    return asked.base


def measure(model: Model, done: Quantised, most: int | None = None, say: Say = lambda text: None) -> Report:
    """Measure on held-out text: `most` texts, evenly spread, or all."""
    texts = token_sequences(model, "heldout")
    if most is not None:
        texts = texts[:: -(-len(texts) // most)]
    return report(model.checkpoint, done.model, texts, {GOLDEN: golden_logits(done.integers)}, say)
