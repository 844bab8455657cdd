"""Tokenizers as GGUF and llama2.c carry them."""

import contextlib
import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models

from metal_configs.checkpoint import load
from metal_configs.checkpoint.tokens import byte_level, encode, from_json, sentencepiece
from metal_configs.words.tokens import build_tokenizer
from rtl_gen.errors import FlowError
from tests.metal_configs import exports
from tests.metal_configs.exports import PIECES, SHAPE


def test_sentencepiece_is_the_same_from_both_files(tmp_path):
    w = exports.weights()
    a = load(exports.write_gguf(tmp_path / "m.gguf", SHAPE, w, **exports.spm()))
    b = load(exports.llama2c(tmp_path / "m.bin", SHAPE, w))
    with pytest.raises(FlowError, match="no tokenizer with the weights"):
        b.tokenizer()
    exports.llama2c_tokens(tmp_path / "tokenizer.bin", PIECES)
    b = load(tmp_path / "m.bin")
    assert (a.begin, a.end, b.begin, b.end) == (1, 2, 1, 1)
    assert a.opens
    for text in ("abc ab", "ab", "x\u00e9 abcab", "<s>"):
        ids = a.tokenizer().encode(text, add_special_tokens=False).ids
        assert ids == b.tokenizer().encode(text, add_special_tokens=False).ids
        if text != "<s>":
            assert a.tokenizer().decode(ids) == text
    name = dict(enumerate(PIECES))
    assert [name[i] for i in b.tokenizer().encode("abc \u00e9").ids] == [
        "\u2581ab", "c", "\u2581", "<0xC3>", "<0xA9>",
    ]  # fmt: skip


def merge_by_score(text: str, pieces: list[str], scores: list[float]) -> list[str]:
    """SentencePiece's own way: merge the neighbours whose union scores best, the leftmost of equals."""
    value = dict(zip(pieces, scores, strict=True))
    parts = list("\u2581" + text.replace(" ", "\u2581"))
    while True:
        joined = [(-value[a + b], i) for i, (a, b) in enumerate(itertools.pairwise(parts)) if a + b in value]
        if not joined:
            return parts
        _, i = min(joined)
        parts[i : i + 2] = [parts[i] + parts[i + 1]]


@settings(max_examples=200, deadline=None)
@given(st.text("abcd ", max_size=12), st.integers(0, 5))
def test_sentencepiece_merges_by_score(text, seed):
    rng = np.random.default_rng(seed)
    # No piece repeats a character: see `sentencepiece` about those.
    longer = ["ab", "bc", "cd", "abc", "bcd", "\u2581a", "\u2581ab", "da", "dab"]
    pieces = ["<unk>", *"\u2581abcd", *longer]
    scores = [0.0] * 6 + [float(-s) for s in rng.permutation(len(longer))]
    tok = sentencepiece(pieces, scores, [0], "test")
    assert tok.encode(text).tokens == (merge_by_score(text, pieces, scores) if text else [])


def test_byte_level_pretokenizers():
    pieces = ["<e>", *"abc123", "\u0120", "12", "ab", "\u0120ab"]
    merges = [("1", "2"), ("a", "b"), ("\u0120", "ab")]
    plain, digits, llama = (
        byte_level(pieces, merges, [0], cut, "x") for cut in ("gpt-2", "smollm", "llama-bpe")
    )
    assert plain.encode("ab ab12<e>").tokens == ["ab", "\u0120ab", "12", "<e>"]
    assert digits.encode("ab ab12").tokens == ["ab", "\u0120ab", "1", "2"]
    assert llama.encode("ab ab12").tokens == ["ab", "\u0120ab", "12"]
    assert plain.decode(plain.encode("ab 123").ids) == "ab 123"
    with pytest.raises(FlowError, match="pre-tokenizer 'qwen2', expected one of"):
        byte_level(pieces, merges, [0], "qwen2", "x")
    with pytest.raises(FlowError, match="do not belong together"):
        byte_level(pieces, [("1", "x")], [0], "gpt-2", "x")


def test_tokenizers_that_do_not_fit(tmp_path):
    w = exports.weights()
    short = exports.spm() | {"tokenizer__ggml__scores": [0.0]}
    with pytest.raises(FlowError, match=r"tokenizer.ggml.scores is \[0.0\], expected a list of"):
        load(exports.write_gguf(tmp_path / "m.gguf", SHAPE, w, **short)).tokenizer()
    other = exports.spm() | {"tokenizer__ggml__model": "bert"}
    with pytest.raises(FlowError, match=r"tokenizer.ggml.model is 'bert'"):
        load(exports.write_gguf(tmp_path / "m.gguf", SHAPE, w, **other)).tokenizer()
    exports.llama2c(tmp_path / "m.bin", SHAPE, w)
    exports.llama2c_tokens(tmp_path / "tokenizer.bin", PIECES[:-1])
    with pytest.raises(FlowError, match=rf"holds {len(PIECES) - 1} tokens, expected {len(PIECES)}"):
        load(tmp_path / "m.bin").tokenizer()
    assert isinstance(
        load(exports.write_gguf(tmp_path / "m.gguf", SHAPE, w, **exports.spm())).tokenizer(), Tokenizer
    )


def test_a_tokenizer_that_contradicts_itself():
    with pytest.raises(FlowError, match=r"here: the tokenizer cannot read 'b' \(.*Missing"):
        encode(Tokenizer(models.WordLevel({"a": 0}, unk_token="?")), "b", "here")
    assert encode(build_tokenizer(), "ab", "here") == [2, 3]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_fuzz_tokenizer_json(tmp_path, data):
    out = bytearray(build_tokenizer().to_str().encode())
    where = st.integers(0, len(out) - 20)
    for at, piece in data.draw(st.lists(st.tuples(where, st.sampled_from(b'01{}[]",:-e')), max_size=3)):
        out[at] = piece
    for at, size in data.draw(st.lists(st.tuples(where, st.integers(1, 8)), max_size=2)):
        del out[at : at + size]
    (tmp_path / "tokenizer.json").write_bytes(out)
    ids = []
    with contextlib.suppress(FlowError):
        ids = encode(from_json(tmp_path / "tokenizer.json"), "ab zz", "here")
    assert all(type(i) is int for i in ids)
