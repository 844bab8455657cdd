"""Text that a chat model meets, and text of a model's own to calibrate on."""

__all__ = ["chat", "own_text"]

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from flow.digest import content_digest
from flow.files import atomic_write
from flow.tasks.model import Model
from metal_configs import prose
from metal_configs.checkpoint.tokens import encode
from metal_configs.quantise import Folded
from metal_configs.quantise.train_extra import no_pytorch
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.untrusted import read_file

TURN, TURN_ENDS = "<|im_start|>", "<|im_end|>"  # ChatML
OPENING = 16  # tokens of calibration text that a sample goes on from
SEED = 1  # of the choice of those tokens
KEPT = "samples.json"
LARGEST = 64 << 20  # bytes of that file

Say = Callable[[str], None]


def chat(model: Model) -> list[list[int]]:
    """Packaged held-out prose as answers in a conversation, for a model whose vocabulary has ChatML's tokens.

    The question holds the first sentence, the answer goes on from there. Empty for other models.
    """
    if not _chats(model):
        return []
    out = []
    for line in prose.lines("heldout"):
        first, _, rest = line.partition(". ")
        out.append(_tokens(model, f"{_question(first)}{rest}{TURN_ENDS}\n"))
    return out


def own_text(
    model: Model,
    calibration: Sequence[Sequence[int]],
    tokens: int,
    say: Say = lambda text: None,
    folder: Path | None = None,
) -> list[list[int]]:
    """At least so many tokens sampled from the float model, each text from some words of calibration text.

    A model that knows ChatML continues every other of them, is asked about the rest, and asks itself on.

    Args:
        model: The float model.
        calibration: Whose words texts begin with.
        tokens: In all.
        say: Told about progress.
        folder: Where they are kept, and found again by the same call.

    Raises:
        FlowError: PyTorch is missing, or there is no calibration text to begin with.
    """
    try:
        from metal_configs.quantise.samples import LENGTH, sample
    except ImportError as e:
        raise no_pytorch(
            "sampling from the model", e, where="--samples", otherwise="leave --samples out"
        ) from e
    c = model.checkpoint
    if not any(len(s) > c.opens for s in calibration):
        raise FlowError(
            "there is no calibration text whose words samples could begin with", where="--samples",
            code=ExitCode.USAGE, hint="Put a calibration.txt beside the checkpoint, or leave --samples out.",
        )  # fmt: skip
    starts = _starts(model, calibration)
    first = [next(starts) for _ in range(-(-tokens // min(LENGTH, c.shape.context)))]
    key = {"model": content_digest(c.source), "tokens": tokens, "length": LENGTH, "starts": first}
    if folder is not None and (kept := _kept(folder / KEPT, key, c.shape.vocab)) is not None:
        say(f"samples: {sum(map(len, kept)):,} tokens, as sampled before: {folder / KEPT}")
        return kept
    texts = sample(
        c.shape, Folded(c, None), _starts(model, calibration), tokens, None if _chats(model) else c.end, say
    )
    if folder is not None:
        atomic_write(folder / KEPT, json.dumps(key | {"texts": texts}).encode())
    return texts


def _kept(path: Path, key: dict[str, object], vocab: int) -> list[list[int]] | None:
    """Texts that were sampled with this key; None for others, or a file that cannot be read."""
    try:
        found = json.loads(read_file(path, LARGEST)) if path.exists() else {}
        texts = [[int(t) for t in text] for text in found.pop("texts")]
    except (FlowError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return texts if found == key and all(0 <= t < vocab for text in texts for t in text) else None


def _starts(model: Model, calibration: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    c, draw = model.checkpoint, np.random.default_rng(SEED)
    texts = [list(s[c.opens :]) for s in calibration if len(s) > c.opens]
    opening = [model.begin] * c.opens
    while True:
        for asked in (False, True)[: 1 + _chats(model)]:
            text = texts[draw.integers(len(texts))]
            size = min(OPENING, -(-len(text) // 4))
            at = (
                0 if c.opens else draw.integers(len(text) - size + 1)
            )  # where texts are opened, as they begin
            words = text[at : at + size]
            if asked:
                yield _tokens(model, _question(model.tokenizer.decode(words).strip()))
            else:
                yield [*opening, *words]


def _chats(model: Model) -> bool:
    return all(model.tokenizer.token_to_id(t) is not None for t in (TURN, TURN_ENDS))


def _question(about: str) -> str:
    return f"{TURN}user\nTell me more about this: {about}.{TURN_ENDS}\n{TURN}assistant\n"


def _tokens(model: Model, text: str) -> list[int]:
    c = model.checkpoint
    return encode(model.tokenizer, text, str(c.source))[: c.shape.context]
