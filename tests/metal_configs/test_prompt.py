"""Prompts that a model cannot take are refused before any work, with what is wrong with them."""

import pytest
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from metal_configs.checkpoint import load
from metal_configs.checkpoint.tokens import byte_level, sentencepiece
from metal_configs.models import KNOWN
from metal_configs.prompt import prompt_tokens, unknown_characters
from metal_configs.words.tokens import build_tokenizer
from rtl_gen.errors import ExitCode, FlowError
from tests.metal_configs.exports import PIECES, score

WORDS = build_tokenizer()


def ask(text: str, tokenizer: Tokenizer = WORDS, opens: bool = True, context: int = 16) -> list[int]:
    return prompt_tokens(tokenizer, text, 0, opens, context)


def test_a_prompt_that_fits():
    assert ask("") == [0]
    assert ask("", opens=False) == [0]
    assert ask("abc") == [0, 2, 3, 4]
    assert ask("abc", opens=False) == [2, 3, 4]
    assert len(ask("a" * 15)) == 16
    assert len(ask("a" * 16, opens=False)) == 16


@pytest.mark.parametrize(
    ("text", "opens", "says"),
    [
        ("a" * 16, True, "the prompt has 17 tokens, with the one that opens it, the model's context 16"),
        ("a" * 17, False, "the prompt has 17 tokens, the model's context 16"),
        ("a" * 5000, True, "has 5001 tokens"),
        ("Zo\u00eb 7", True, "does not know 'Z', '\u00eb', ' ', '7'\n  It knows: abcdefghijklmnopqrstuvwxyz"),
        ("a\nb\x1bb\n", True, r"does not know '\n', '\x1b'"),
        ("A" * 30, True, "does not know 'A'"),
        ("ab\udcff\udc80", True, "bytes that are no UTF-8 text: 0xff, 0x80"),
    ],
)
def test_a_prompt_that_does_not_fit(text, opens, says):
    with pytest.raises(FlowError) as found:
        ask(text, opens=opens)
    assert says in str(found.value)
    assert str(found.value).startswith("--prompt: ")
    assert found.value.code == ExitCode.USAGE


def spm(pieces: list[str]) -> Tokenizer:
    return sentencepiece(pieces, [score(p) for p in pieces], [0], "test")


def splitting() -> Tokenizer:
    """Words between spaces, which are dropped; normalised."""
    tok = Tokenizer(models.WordLevel({"<unk>": 0, "\u00eb": 1, "b": 2, " ": 3}, unk_token="<unk>"))
    tok.normalizer = normalizers.NFC()
    tok.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    return tok


def trimming() -> Tokenizer:
    """Byte level, whose post-processor takes spaces off the ranges of tokens."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tok = byte_level(alphabet, [], [], "gpt-2", "test")
    tok.post_processor, tok.decoder = processors.ByteLevel(trim_offsets=True), decoders.ByteLevel()
    return tok


@pytest.mark.parametrize(
    ("tokenizer", "text", "unknown"),
    [
        (spm(PIECES), "ab \u00e9 \n z", []),  # by bytes
        (spm([p for p in PIECES if len(p) != 6]), "ab x \u00e9x", ["x", "\u00e9"]),
        (splitting(), "e\u0308b b", []),  # composed before it is looked up
        (splitting(), "eb", ["e"]),
        (trimming(), "  a  b \u00e9\t", []),
        (Tokenizer(models.BPE({"a": 0, "b": 1}, [])), "abc!", ["c", "!"]),  # left out without a word
        (WORDS, "ab", []),
    ],
)
def test_unknown_characters(tokenizer, text, unknown):
    assert unknown_characters(tokenizer, text) == unknown


def test_the_packaged_model_opens_with_its_own_token():
    folder = KNOWN["words"].folder
    assert folder is not None
    c = load(folder)
    assert (c.begin, c.ends, c.opens) == (0, (1,), True)
