"""What a model is to continue, as tokens, checked before any work is done with it."""

__all__ = ["prompt_tokens", "unknown_characters"]

import operator
import unicodedata

from tokenizers import Tokenizer

from metal_configs.checkpoint.tokens import encode, encoding
from rtl_gen.errors import ExitCode, FlowError

WHERE = "--prompt"
NOBODYS = "\U0010fffd"  # of the last private plane
FEW = 64  # characters of an alphabet that is shown whole


def prompt_tokens(tokenizer: Tokenizer, text: str, begin: int, opens: bool, context: int) -> list[int]:
    """Tokens to continue from: at least one, the opening one where the model is used to it.

    Args:
        tokenizer: Of the model.
        text: To be continued.
        begin: Token that opens a text; an empty text is this token alone.
        opens: Whether every text is opened.
        context: Most tokens that the model takes.

    Raises:
        FlowError: The tokenizer does not know a character, or the prompt is longer than the context.
    """
    if bad := [c for c in text if "\ud800" <= c <= "\udfff"]:
        raise FlowError(
            f"bytes that are no UTF-8 text: {', '.join(f'0x{ord(c) & 255:02x}' for c in dict.fromkeys(bad))}",
            where=WHERE, hint="Give the prompt in UTF-8.", code=ExitCode.USAGE,
        )  # fmt: skip
    if unknown := unknown_characters(tokenizer, text):
        raise FlowError(
            f"the model's tokenizer does not know {', '.join(map(repr, unknown))}", where=WHERE,
            hint=_alphabet(tokenizer), code=ExitCode.USAGE,
        )  # fmt: skip
    ids = encode(tokenizer, text, WHERE)
    ids = [begin, *ids] if opens or not ids else ids
    if len(ids) > context:
        opened = ", with the one that opens it" if opens else ""
        raise FlowError(
            f"the prompt has {len(ids)} tokens{opened}, the model's context {context}", where=WHERE,
            hint=f"Shorten it to {context} tokens; what the model adds must fit, too.", code=ExitCode.USAGE,
        )  # fmt: skip
    return ids


def unknown_characters(tokenizer: Tokenizer, text: str) -> list[str]:
    """Characters of a text that no token stands for: the tokenizer leaves them out, or calls them unknown."""
    unknown = _unknown_token(tokenizer)
    found = encoding(tokenizer, text, WHERE)
    known = {
        n for i, (a, b) in zip(found.ids, found.offsets, strict=True) if i != unknown for n in range(a, b)
    }
    lost: dict[str, bool] = {}
    for n in sorted(set(range(len(text))) - known):
        # Spaces and what is composed with the letter before may be in no token's range, and yet be known:
        # then they make a difference to a character that nobody knows.
        before = text[n - 1 : n] if unicodedata.combining(text[n]) else ""
        if before or text[n] not in lost:
            alike = (encode(tokenizer, before + c, WHERE) for c in (text[n], NOBODYS))
            lost[text[n]] = lost.get(text[n], False) or operator.eq(*alike)
    return [c for c, unknown in lost.items() if unknown]


def _unknown_token(tokenizer: Tokenizer) -> int | None:
    text = getattr(tokenizer.model, "unk_token", None)
    if text is None:
        return getattr(tokenizer.model, "unk_id", None)
    return tokenizer.token_to_id(text)


def _alphabet(tokenizer: Tokenizer) -> str:
    """The characters of a tokenizer that has few."""
    letters = sorted(t for t in tokenizer.get_vocab(with_added_tokens=False) if len(t) == 1)
    return f"It knows: {''.join(letters)}" if 0 < len(letters) <= FEW else "Leave them out."
