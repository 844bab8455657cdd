"""Tokenizers of every format, as the library `tokenizers` runs them."""

__all__ = [
    "OPENED", "PRETOKENIZERS", "Texts", "byte_level", "encode", "encoding", "from_json", "sentencepiece",
    "token_numbers",
]  # fmt: skip

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import AddedToken, Encoding, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

from metal_configs.checkpoint.stand_in import START, refuse_stand_in
from rtl_gen.errors import FlowError

LONGEST = 1024  # characters of a token
SPACE = "\u2581"  # what SentencePiece writes for a space
_LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def _gpt2() -> pre_tokenizers.PreTokenizer:
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)


def _digits() -> pre_tokenizers.PreTokenizer:
    return pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), _gpt2()])


def _llama3() -> pre_tokenizers.PreTokenizer:
    split = pre_tokenizers.Split(Regex(_LLAMA3), "isolated")
    return pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


# How text is cut before byte-level merging, by GGUF's name for it (tokenizer.ggml.pre).
PRETOKENIZERS = {
    "default": _gpt2, "gpt-2": _gpt2, "smollm": _digits,
    "llama-bpe": _llama3, "llama3": _llama3, "llama-v3": _llama3,
}  # fmt: skip
# Of these, the kinds whose texts llama.cpp opens where the file does not say.
OPENED = frozenset(name for name, cut in PRETOKENIZERS.items() if cut is _llama3)


@dataclass(frozen=True)
class Texts:
    """See `Checkpoint`, whose fields these are."""

    begin: int | None
    ends: tuple[int, ...]
    opens: bool
    read_tokenizer: Callable[[], Tokenizer] | None


@contextlib.contextmanager
def _guard(what: str, where: str) -> Iterator[None]:
    """Whatever the library raises as a FlowError: it has no exception of its own, and its panics are none."""
    try:
        yield
    except BaseException as e:
        if not isinstance(e, Exception) and type(e).__name__ != "PanicException":
            raise
        raise FlowError(f"{what} ({e})", where=where, hint="The tokenizer is damaged; fetch it again.") from e


def from_json(path: Path) -> Tokenizer:
    """A tokenizer.json; FlowError when it is damaged."""
    with contextlib.suppress(OSError), path.open("rb") as f:
        refuse_stand_in(f.read(START), str(path))
    with _guard("not a tokenizer", str(path)):
        return Tokenizer.from_file(str(path))


def encode(tokenizer: Tokenizer, text: str, where: str, special: bool = False) -> list[int]:
    """Token numbers of a text; FlowError when the tokenizer contradicts itself.

    Args:
        tokenizer: Of the model.
        text: To be encoded.
        where: File, for messages.
        special: Whether the tokenizer's post-processor adds the tokens that it puts around a text.
    """
    return encoding(tokenizer, text, where, special).ids


def encoding(tokenizer: Tokenizer, text: str, where: str, special: bool = False) -> Encoding:
    """As `encode`: with the tokens, the part of the text that each stands for."""
    with _guard(f"the tokenizer cannot read {text!r:.40}", where):
        return tokenizer.encode(text, add_special_tokens=special)


def token_numbers(value: object, vocab: int) -> tuple[int, ...]:
    """Tokens of the vocabulary as config files name them (a number, or a list), in their order."""
    values = value if isinstance(value, list) else [value]
    return tuple(dict.fromkeys(v for v in values if type(v) is int and 0 <= v < vocab))


def byte_level(
    pieces: Sequence[str], merges: Sequence[tuple[str, str]], special: Sequence[int], cut: str, where: str
) -> Tokenizer:
    """The GPT-2 kind: bytes as printable characters, merged by a list.

    Args:
        pieces: Text of each token.
        merges: Pairs, the first merged first.
        special: Tokens that text never gives piece by piece.
        cut: Key of `PRETOKENIZERS`.
        where: File, for messages.
    """
    if cut not in PRETOKENIZERS:
        raise FlowError(
            f"pre-tokenizer {cut!r:.40}, expected one of {', '.join(PRETOKENIZERS)}", where=where,
            hint="Convert the model with its tokenizer.json beside it, or ask for this one.",
        )  # fmt: skip
    vocab = _vocabulary(pieces, where)
    with _guard("merges and tokens do not belong together", where):
        tok = Tokenizer(models.BPE(vocab, list(merges), ignore_merges=PRETOKENIZERS[cut] is _llama3))
    tok.pre_tokenizer = PRETOKENIZERS[cut]()
    tok.decoder = decoders.ByteLevel()
    tok.add_special_tokens(
        [AddedToken(pieces[i], special=True, normalized=False) for i in special if pieces[i]]
    )
    return tok


def sentencepiece(
    pieces: Sequence[str], scores: Sequence[float], special: Sequence[int], where: str, prefix: bool = True
) -> Tokenizer:
    """The Llama 2 kind: pieces merged by score, unknown characters as bytes <0xNN>.

    A piece may come from several pairs; among those the library takes the one whose left part has the smaller
    number, SentencePiece the leftmost in the text. Only repeated characters can tell the two apart.

    Args:
        pieces: Text of each token, with `SPACE` for spaces.
        scores: Of each token; the higher is merged first.
        special: Tokens that text never gives (unknown, begin, end).
        where: File, for messages.
        prefix: Whether a space is put before a text.
    """
    vocab = _vocabulary(pieces, where)
    hidden = set(special)
    merges = []
    for number, piece in enumerate(pieces):
        if number in hidden or len(piece) < 2 or (len(piece) == 6 and piece.startswith("<0x")):
            continue
        for i in range(1, len(piece)):
            left, right = vocab.get(piece[:i]), vocab.get(piece[i:])
            if left is not None and right is not None:
                merges.append((-scores[number], number, left, right, piece[:i], piece[i:]))
    merges.sort()
    unknown = next((pieces[i] for i in special if pieces[i]), None)
    tok = Tokenizer(
        models.BPE(vocab, [m[4:] for m in merges], unk_token=unknown, fuse_unk=True, byte_fallback=True)
    )
    steps: list[normalizers.Normalizer] = [normalizers.Replace(" ", SPACE)]
    tok.normalizer = normalizers.Sequence([normalizers.Prepend(SPACE), *steps] if prefix else steps)
    strip = [decoders.Strip(" ", 1, 0)] if prefix else []
    tok.decoder = decoders.Sequence(
        [decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse(), *strip]
    )
    tok.add_special_tokens(
        [AddedToken(pieces[i], special=True, normalized=False) for i in special if pieces[i]]
    )
    return tok


def _vocabulary(pieces: Sequence[str], where: str) -> dict[str, int]:
    if (longest := max(map(len, pieces), default=0)) > LONGEST:
        raise FlowError(f"a token of {longest} characters, expected at most {LONGEST}", where=where)
    vocab = {piece: number for number, piece in reversed(list(enumerate(pieces)))}
    if len(vocab) != len(pieces):
        # Padding tokens may share a text; the first keeps it, the others can only be emitted.
        for number, piece in enumerate(pieces):
            if vocab[piece] != number:
                vocab[f"{piece}<{number}>"] = number
    if "" in vocab:
        vocab[f"<empty {vocab['']}>"] = vocab.pop("")
    return vocab
