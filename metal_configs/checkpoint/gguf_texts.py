"""What a GGUF header says about texts: the tokenizer, and which tokens open and end one.

Where the header leaves something out, what llama.cpp takes in its place is taken.
"""

__all__ = ["read_texts"]

from collections.abc import Mapping
from typing import Any

from tokenizers import Tokenizer

from metal_configs.checkpoint.tokens import OPENED, SPACE, Texts, byte_level, sentencepiece, token_numbers
from rtl_gen.errors import FlowError

KEY = "tokenizer.ggml."
UNKNOWN, CONTROL, USER = 2, 3, 4  # kinds of tokens
SENTENCEPIECE, BYTES = "llama", "gpt2"
DEFAULTS = {"bos": 1, "eos": 2}  # of SentencePiece
# Tokens that end a text whatever the header names, by what they are called.
ENDS = frozenset(
    ("<|eot_id|>", "<|eom_id|>", "<|end_of_text|>", "<|endoftext|>", "<|im_end|>", "<|end|>", "<end_of_turn>",
     "<end_of_utterance>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]", "</s>")
)  # fmt: skip


def read_texts(values: Mapping[str, Any], where: str, vocab: int) -> Texts:
    """Read it.

    Args:
        values: Of the header.
        where: File, for messages.
        vocab: Rows of the embedding.
    """
    model = values.get(f"{KEY}model")

    def numbers(kind: str) -> tuple[int, ...]:
        default = DEFAULTS.get(kind) if model == SENTENCEPIECE else None
        return token_numbers(values.get(f"{KEY}{kind}_token_id"), vocab) or token_numbers(default, vocab)

    ends = [n for kind in ("eos", "eot", "eom") for n in numbers(kind)]
    if isinstance(tokens := values.get(f"{KEY}tokens"), list):
        ends += [n for n, text in enumerate(tokens[:vocab]) if isinstance(text, str) and text in ENDS]
    opens = values.get(f"{KEY}add_bos_token")
    if not isinstance(opens, bool):
        opens = model == SENTENCEPIECE or (model == BYTES and values.get(f"{KEY}pre") in OPENED)
    make = None if model is None else lambda: _tokenizer(values, where)
    return Texts(next(iter(numbers("bos")), None), tuple(dict.fromkeys(ends)), opens, make)


def _tokenizer(header: Mapping[str, Any], where: str) -> Tokenizer:
    def values(key: str, kind: type, count: int | None = None) -> list[Any]:
        got = header.get(f"{KEY}{key}")
        if (
            not isinstance(got, list)
            or not all(type(x) is kind for x in got)
            or (count is not None and len(got) != count)
        ):
            raise FlowError(
                f"{KEY}{key} is {got!r:.40}, expected a list of {count or ''} {kind.__name__}", where=where
            )
        return got

    model = header[f"{KEY}model"]
    tokens = values("tokens", str)
    types = values("token_type", int, len(tokens)) if f"{KEY}token_type" in header else []
    special = [i for i, t in enumerate(types) if t in (UNKNOWN, CONTROL, USER)]
    if model == BYTES:
        merges = [m.partition(" ") for m in values("merges", str)]
        cut = str(header.get(f"{KEY}pre") or "default")
        return byte_level(tokens, [(a, b) for a, _, b in merges], special, cut, where)
    if model == SENTENCEPIECE:
        special.sort(key=lambda i: types[i] != UNKNOWN)
        prefix = header.get(f"{KEY}add_space_prefix", True) is not False
        pieces = [t.replace(" ", SPACE) for t in tokens]
        return sentencepiece(pieces, values("scores", float, len(tokens)), special, where, prefix)
    raise FlowError(f"{KEY}model is {model!r:.40}, expected {BYTES!r} or {SENTENCEPIECE!r}", where=where)
