"""What a Hugging Face folder says about texts: the tokenizer, and which tokens open and end one."""

__all__ = ["TOKENS", "read_texts"]

from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, models

from metal_configs.checkpoint.safetensors_file import json_file
from metal_configs.checkpoint.tokens import Texts, encode, from_json, token_numbers
from rtl_gen.errors import FlowError

TOLD, GENERATION, TOKENS = "tokenizer_config.json", "generation_config.json", "tokenizer.json"
PROBE = "a"  # any text shows what is put before it


def read_texts(folder: Path, config: dict[str, Any], vocab: int) -> Texts:
    """Read it.

    Args:
        folder: Of the checkpoint.
        config: Its config.json.
        vocab: Rows of the embedding.

    Raises:
        FlowError: tokenizer_config.json or generation_config.json is damaged, or more than one token is put
            before a text. A damaged tokenizer.json is an error when the tokenizer is asked for.
    """
    told, generation = _optional(folder / TOLD), _optional(folder / GENERATION)
    named = {k: token_numbers(config.get(f"{k}_token_id"), vocab) for k in ("bos", "eos")}
    # What generates text stops at those of generation_config.json; chat models name their further ends there.
    ends = tuple(dict.fromkeys([*named["eos"], *token_numbers(generation.get("eos_token_id"), vocab)]))
    begin = next(iter(named["bos"]), None)
    file = folder / TOKENS
    if not file.is_file():
        return Texts(begin, ends, True, None)
    try:
        tokenizer = from_json(file)
    except FlowError:
        return Texts(begin, ends, True, lambda: from_json(file))
    if begin is None:
        begin = _number(told.get("bos_token"), tokenizer, vocab)
    if not ends and (end := _number(told.get("eos_token"), tokenizer, vocab)) is not None:
        ends = (end,)
    if tokenizer.post_processor is None:
        return Texts(begin, ends, _opens(told, tokenizer), lambda: tokenizer)
    first = _before(tokenizer, begin, str(file))
    return Texts(begin if first is None else first, ends, first is not None, lambda: tokenizer)


def _optional(path: Path) -> dict[str, Any]:
    return json_file(path) if path.is_file() else {}


def _number(told: Any, tokenizer: Tokenizer, vocab: int) -> int | None:
    """The number of a token that is named by its text, alone or as an object with its properties."""
    text = told.get("content") if isinstance(told, dict) else told
    number = tokenizer.token_to_id(text) if isinstance(text, str) else None
    return number if number is not None and number < vocab else None


def _before(tokenizer: Tokenizer, begin: int | None, where: str) -> int | None:
    """The token that the post-processor puts before a text, if it does."""
    try:
        plain, whole = (encode(tokenizer, PROBE, where, special) for special in (False, True))
    except FlowError:
        plain, whole = [], encode(tokenizer, "", where, special=True)
    if not plain:  # a vocabulary without the probe: what closes a text must not count as opening it
        return begin if whole[:1] == [begin] else None
    count = next((n for n in range(len(whole)) if whole[n : n + len(plain)] == plain), 0)
    if count > 1:
        raise FlowError(
            f"{count} tokens are put before a text, expected one at most", where=where,
            hint="Only one opening token is supported; change the post_processor.",
        )  # fmt: skip
    return whole[0] if count else None


def _opens(told: dict[str, Any], tokenizer: Tokenizer) -> bool:
    """Where no post-processor says it: the tokenizer's setting, else its kind. SentencePiece opens texts."""
    if isinstance(asked := told.get("add_bos_token"), bool):
        return asked
    model = tokenizer.model
    return str(told.get("tokenizer_class")).startswith("Llama") or (
        isinstance(model, models.BPE) and bool(model.byte_fallback)
    )
