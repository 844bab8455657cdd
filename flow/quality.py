"""Quantise a model of any size and measure it: what the command and the step of a build share."""

__all__ = ["Quantised", "Request", "check_loss", "measure", "run"]

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from flow.digest import content_digest
from flow.files import sha256_bytes
from flow.kept_codes import kept_codes
from flow.memory import give_back
from flow.own_text import chat, own_text
from flow.tasks.model import Model, token_sequences
from metal_configs.adapters import Lora, quantise_adapter, read_peft, rounding_error, turned
from metal_configs.lower import golden_logits, lower
from metal_configs.quantise import Folded, Method, Policy, Rotation, average_bits, average_rom_bits, on_grid
from metal_configs.quantise import quantise as quantise_checkpoint
from metal_configs.quantise.budget import choose_formats
from metal_configs.quantise.report import Report, report
from metal_configs.quantise.train_extra import no_pytorch
from metal_configs.reference import evaluate
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.adapter import Adapter
from rtl_gen.golden.model import Model as Integers
from rtl_gen.golden.network import Network
from rtl_gen.golden.quantised import QuantModel
from signoff.result import CheckResult

QUALITY = "quality"
CONTROL_TEXTS = 40  # that the ruined model is measured on
CHANCE = 0.98  # of ln(vocabulary): a float model that loses more predicts nothing
Say = Callable[[str], None]
GOLDEN = "integer golden model"


@dataclass(frozen=True)
class Request:
    """What is asked of the quantiser.

    Attributes:
        method: Of `Policy`.
        bits: Average bits of ROM per weight, scales included; None for 4 a code, 6 in embedding and head.
        texts: Calibration texts to use, evenly spread; None for all.
        adapter: PEFT's folder of an adapter to quantise with it.
        repair: Rank of an adapter to train against what quantising loses; not together with `adapter`.
        samples: Tokens of text to sample from the float model and to calibrate on besides.
        codes: File of a model that was rounded before, which is taken as it is.
    """

    method: Method = "gptq"
    bits: float | None = None
    texts: int | None = None
    adapter: Path | None = None
    repair: int | None = None
    samples: int | None = None
    codes: Path | None = None


@dataclass(frozen=True)
class Quantised:
    """A quantised model.

    Attributes:
        calibration: The text it was calibrated on, samples left out.
        rotation: Of its weights, if they are rotated.
        adapter: Beside it.
    """

    model: QuantModel
    calibration: Sequence[Sequence[int]]
    rotation: Rotation | None
    adapter: Adapter | None = None

    @property
    def average_bits(self) -> float:
        return average_bits(self.model)

    @property
    def average_rom_bits(self) -> float:
        return average_rom_bits(self.model)

    @cached_property
    def integers(self) -> Integers:
        """The integer model."""
        return lower(self.model, self.calibration, adapter=self.adapter)

    def decoder(self) -> Network:
        """The golden model."""
        return Network(self.integers, adapter=self.adapter)


def run(model: Model, asked: Request, say: Say = lambda text: None, folder: Path | None = None) -> Quantised:
    """Quantise.

    Args:
        model: The float model.
        asked: How.
        say: Told about progress.
        folder: Keeps the sampled text and the codes for the next time; the codes are there afterwards.

    Raises:
        FlowError: The budget is too small, or the adapter is not of this model.
    """
    train = None if asked.repair is None else _trainer(asked)
    lora = None
    if asked.adapter is not None:
        lora = read_peft(asked.adapter, model.checkpoint.shape, model.checkpoint.name)
    rotation = _rotation(model, say)
    calibration = _spread(token_sequences(model, "calibration", say), asked.texts)
    text = list(calibration)
    if asked.samples is not None:
        text += own_text(model, calibration, asked.samples, say, folder)
    _say_what_is_short(model, text, say)
    weights = Folded(model.checkpoint, rotation)

    def find() -> QuantModel:
        if asked.codes is not None:
            return QuantModel.load(asked.codes)
        if asked.bits is None:
            policy = Policy(asked.method)
        else:
            formats = choose_formats(weights, asked.bits, text, say=say, method=asked.method)
            policy = Policy.of_formats(formats, asked.method)
        return quantise_checkpoint(model.checkpoint, policy, text, say, rotation)

    give_back()
    if folder is None:
        done = find()
    else:
        key = {
            "model": content_digest(model.checkpoint.source), "method": asked.method, "bits": asked.bits,
            "text": sha256_bytes(json.dumps([list(map(int, s)) for s in text]).encode()),
            "rotated": rotation is not None,
        }  # fmt: skip
        done = kept_codes(folder, key, find, say)
    give_back()
    if train is not None:
        exact = train(weights, done, text, asked.repair, say)
        give_back()
    elif lora is not None:
        exact = turned(lora, weights)
    else:
        return Quantised(done, calibration, rotation)
    adapter = quantise_adapter(exact, done)
    say(
        f"adapter {exact.name}: rank {exact.rank} on {', '.join(exact.kinds)}, {adapter.ram_bytes:,} bytes of"
        f" SRAM; rounding to 8 bits changes it by {rounding_error(adapter, exact, done):.1%}"
    )
    return Quantised(done, calibration, rotation, adapter)


def _trainer(asked: Request) -> Callable[..., Lora]:
    if asked.adapter is not None:
        raise FlowError(
            "a chip runs with one adapter, two are asked for", where="--repair", code=ExitCode.USAGE,
            hint="Leave --adapter or --repair out.",
        )  # fmt: skip
    try:
        from metal_configs.adapters.repair import train_repair
    except ImportError as e:
        raise no_pytorch("training an adapter", e, where="--repair", otherwise="leave --repair out") from e
    return train_repair


def _say_what_is_short(model: Model, calibration: Sequence[Sequence[int]], say: Say) -> None:
    tokens, inputs = sum(max(len(s) - 1, 0) for s in calibration), model.checkpoint.shape.hidden
    if tokens < 2 * inputs:
        say(
            f"calibration text has {tokens} tokens for matrices of {inputs} inputs: where it is silent, codes"
            " follow the weights; put a longer calibration.txt beside the checkpoint, 8 tokens per input"
        )


def _rotation(model: Model, say: Say) -> Rotation | None:
    """None for weights that lie on the codes' grid."""
    if on_grid(model.checkpoint):
        say("the weights lie on a grid of 4-bit codes with one scale per output: they are not rotated")
        return None
    return Rotation.of(model.checkpoint.shape)


def measure(
    model: Model, done: Quantised, most: int | None = None, say: Say = lambda text: None, *,
    adapted: bool = True,
) -> Report:  # fmt: skip
    """Measure on held-out text of each kind: `most` texts, evenly spread, or all; not `adapted`: without the
    adapter alone, which may mean to say something else than the model."""
    texts = {"prose": token_sequences(model, "heldout", say), "chat": chat(model)}
    integers = {GOLDEN: golden_logits(done.integers)}
    if adapted and done.adapter is not None:
        integers[f"{GOLDEN}, {done.adapter.name}"] = golden_logits(done.integers, done.adapter)
    texts = {kind: _spread(found, most) for kind, found in texts.items() if found}
    return report(model.checkpoint, done.model, texts, integers, say, done.rotation)


def _spread(texts: list[list[int]], most: int | None) -> list[list[int]]:
    """At most so many texts, evenly spread; None for all."""
    return texts if most is None else texts[:: -(-len(texts) // most)]


def check_loss(model: Model, done: Quantised, found: Report, limit: float) -> list[CheckResult]:
    """Whether the integer model predicts held-out text as the float model does.

    Args:
        model: The float model.
        done: What quantising made of it.
        found: What was measured of both.
        limit: Most loss of the integer model, as a multiple of the float model's.

    Returns:
        The rows `quality`, whose count is the loss beyond float's in percent, and `quality_control`, for
        which every matrix has its codes in reversed order. Both read "not run" for a float model that
        predicts nothing.
    """
    exact, last = found.first_text()[0].score, found.first_text()[-1].score
    chance = math.log(model.checkpoint.shape.vocab)
    if exact.nll > CHANCE * chance:
        reason = (
            f"the float model predicts its held-out text no better than chance ({exact.nll:.3f} nats a"
            f" token of {chance:.3f}), so nothing tells what quantising costs"
        )
        row = CheckResult.not_run(QUALITY, reason, "sc-flow")
        return [row, replace(row, name=f"{QUALITY}_control")]
    row = _quality(
        last.nll / exact.nll, limit, f"{last.nll:.3f} nats per token on {last.tokens} held-out tokens"
    )
    matrices = {n: replace(m, codes=m.codes[::-1, ::-1].copy()) for n, m in done.model.matrices.items()}
    ruined = Quantised(replace(done.model, matrices=matrices), done.calibration, done.rotation)
    texts = [t for t in token_sequences(model, "heldout") if len(t) > 1]
    some = texts[:: -(-len(texts) // CONTROL_TEXTS)]
    wrong = _quality(evaluate(golden_logits(ruined.integers), some).nll / exact.nll, limit, "")
    missed = wrong.status == "pass"
    told = f"codes in reversed order: {wrong.detail}"
    control = replace(
        row, name=f"{QUALITY}_control", count=int(missed), limit=0, status="fail" if missed else "pass",
        reason=f"not found: {told}; the limit is too high to tell a ruined model" if missed else "",
        detail=told,
    )  # fmt: skip
    return [row, control]


def _quality(ratio: float, limit: float, measured: str) -> CheckResult:
    good = ratio <= limit
    told = f"{ratio:.3f} of float's loss, {limit:g} allowed" + (f": {measured}" if measured else "")
    reason = "" if good else f"the integer model loses {told}"
    # In whole percent, rounded up; a ratio below 1 is no loss
    count, most = (max(0, math.ceil(100 * (r - 1) - 1e-9)) for r in (ratio, limit))
    return CheckResult(QUALITY, "sc-flow", "", count, most, "pass" if good else "fail", reason, told)
