"""Which token opens a text, and which end it: what the runtimes of each format do."""

import json
import struct

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

from metal_configs.checkpoint import Checkpoint, load
from rtl_gen.errors import FlowError
from tests.metal_configs import exports
from tests.metal_configs.exports import PIECES, SHAPE

BYTES = ["<|begin|>", "<|end_of_text|>", "<|eot_id|>", *"abcdefgh", "ab"]
BYTES += [f"<pad{n}>" for n in range(SHAPE.vocab - len(BYTES))]


def gguf(tmp_path, fields: dict[str, object], without: tuple[str, ...] = ()) -> Checkpoint:
    fields = {k: v for k, v in fields.items() if k.removeprefix("tokenizer__ggml__") not in without}
    return load(exports.write_gguf(tmp_path / "m.gguf", SHAPE, exports.weights(), **fields))


def bpe(pre: str | None, **fields: object) -> dict[str, object]:
    out = {
        "model": "gpt2", "tokens": BYTES, "merges": ["a b"], "bos_token_id": 0, "eos_token_id": 1,
        "token_type": [3, 3, 3, *[1] * (SHAPE.vocab - 3)],
    }  # fmt: skip
    return {f"tokenizer__ggml__{k}": v for k, v in (out | ({"pre": pre} if pre else {}) | fields).items()}


@pytest.mark.parametrize(
    ("pre", "told", "opens"),
    [
        ("llama-bpe", None, True),  # the kind decides where the file does not
        ("llama3", None, True),
        ("llama-v3", None, True),
        ("smollm", None, False),
        ("gpt-2", None, False),
        ("default", None, False),
        (None, None, False),
        ("llama-bpe", False, False),
        ("smollm", True, True),
    ],
)
def test_a_byte_level_gguf_opens_texts_as_its_kind_does(tmp_path, pre, told, opens):
    c = gguf(tmp_path, bpe(pre, **({} if told is None else {"add_bos_token": told})))
    assert c.opens is opens
    assert c.tokenizer().encode("ab", add_special_tokens=False).tokens == ["ab"]


@pytest.mark.parametrize(("told", "opens"), [(None, True), (True, True), (False, False)])
def test_a_sentencepiece_gguf_opens_texts_unless_it_says_not_to(tmp_path, told, opens):
    c = gguf(tmp_path, exports.spm() | ({} if told is None else {"tokenizer__ggml__add_bos_token": told}))
    assert c.opens is opens


def test_a_sentencepiece_gguf_that_names_no_tokens_has_those_of_llama(tmp_path):
    c = gguf(tmp_path, exports.spm(), without=("bos_token_id", "eos_token_id"))
    assert (c.begin, c.ends) == (1, (2,))


@pytest.mark.parametrize(
    ("fields", "ends"),
    [
        ({}, (1, 2)),  # <|eot_id|> ends a turn by its name
        ({"eos_token_id": 2}, (2, 1)),
        ({"eot_token_id": 5}, (1, 5, 2)),
        ({"eot_token_id": 2, "eom_token_id": 7}, (1, 2, 7)),
        ({"eom_token_id": 99999}, (1, 2)),
    ],
)
def test_every_end_of_a_gguf_ends(tmp_path, fields, ends):
    assert gguf(tmp_path, bpe("llama-bpe", **fields)).ends == ends


def test_the_prefix_space_of_sentencepiece(tmp_path):
    for told, first in ((None, "\u2581ab"), (True, "\u2581ab"), (False, "ab")):
        fields = {} if told is None else {"tokenizer__ggml__add_space_prefix": told}
        tok = gguf(tmp_path, exports.spm() | fields).tokenizer()
        assert tok.encode("ab", add_special_tokens=False).tokens == [first]


def template(text: str) -> processors.TemplateProcessing:
    ids = [(t, n) for n, t in enumerate(("<unk>", "<s>", "</s>")) if t in text]
    return processors.TemplateProcessing(single=text, special_tokens=ids)


def folder(
    tmp_path,
    post=None,
    told: dict | None = None,
    generation: dict | None = None,
    model=None,
    **config: object,
) -> Checkpoint:
    path = exports.huggingface(tmp_path / "hf", SHAPE, exports.weights(), **config)
    for name, value in (("tokenizer_config.json", told), ("generation_config.json", generation)):
        if value is not None:
            (path / name).write_text(json.dumps(value))
    vocab = {p: n for n, p in enumerate(PIECES)}
    tok = Tokenizer(model(vocab) if model else models.BPE(vocab, [("a", "b")], unk_token="<unk>"))
    tok.pre_tokenizer, tok.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    tok.add_special_tokens(["<unk>", "<s>", "</s>"])
    if post is not None:
        tok.post_processor = post
    tok.save(str(path / "tokenizer.json"))
    return load(path)


def fallback(vocab: dict[str, int]) -> models.BPE:
    return models.BPE(vocab, [("a", "b")], unk_token="<unk>", byte_fallback=True)


def letters(vocab: dict[str, int]) -> models.WordLevel:
    """A vocabulary without "a"."""
    del vocab["a"]
    return models.WordLevel(vocab | {"<no a>": 260}, unk_token="<never>")


BYTE_LEVEL = processors.ByteLevel(trim_offsets=True)


@pytest.mark.parametrize(
    ("post", "told", "model", "opens"),
    [
        # With a post-processor, it decides, whatever else is said.
        (template("<s> $A"), None, None, True),
        (template("<s> $A"), {"add_bos_token": False}, None, True),
        (processors.Sequence([BYTE_LEVEL, template("<s> $A")]), None, None, True),
        (template("<s> $A </s>"), None, None, True),
        (template("$A </s>"), None, fallback, False),
        (BYTE_LEVEL, None, None, False),
        (BYTE_LEVEL, {"add_bos_token": True}, fallback, False),
        (template("<s> $A"), None, letters, True),
        (template("$A </s>"), None, letters, False),
        # Without one, the setting; without that, the kind.
        (None, {"add_bos_token": True}, None, True),
        (None, {"add_bos_token": False}, fallback, False),
        (None, {"add_bos_token": None}, fallback, True),
        (None, None, None, False),
        (None, None, fallback, True),
        (None, {"tokenizer_class": "LlamaTokenizerFast"}, None, True),
        (None, {"tokenizer_class": "GPT2Tokenizer"}, None, False),
    ],
)
def test_a_hugging_face_folder_opens_texts_as_its_tokenizer_does(tmp_path, post, told, model, opens):
    c = folder(tmp_path, post, told, model=model)
    assert c.opens is opens
    assert c.begin == 1


def test_the_post_processors_own_token_opens(tmp_path):
    assert folder(tmp_path, template("<unk> $A")).begin == 0
    assert folder(tmp_path, template("<unk> $A"), bos_token_id=None).begin == 0
    with pytest.raises(FlowError, match=r"tokenizer.json: 2 tokens are put before a text"):
        folder(tmp_path, template("<s> <unk> $A"))


@pytest.mark.parametrize(
    ("eos", "generation", "ends"),
    [
        (2, None, (2,)),
        ([2], None, (2,)),
        ([7, 2, 7], None, (7, 2)),
        (2, {"eos_token_id": [5, 2]}, (2, 5)),
        (2, {"eos_token_id": 5}, (2, 5)),
        (None, {"eos_token_id": 5}, (5,)),
        ([2, -1, 10**6, "x", True, None], {"eos_token_id": None}, (2,)),
        (None, None, ()),
    ],
)
def test_every_end_of_a_folder_ends(tmp_path, eos, generation, ends):
    assert folder(tmp_path, generation=generation, eos_token_id=eos).ends == ends


@pytest.mark.parametrize("wrap", [str, lambda text: {"content": text, "lstrip": False}])
def test_tokens_that_only_the_tokenizers_settings_name(tmp_path, wrap):
    told = {"bos_token": wrap("<s>"), "eos_token": wrap("</s>")}
    c = folder(tmp_path, told=told, bos_token_id=None, eos_token_id=None)
    assert (c.begin, c.ends) == (1, (2,))


def test_damaged_settings_are_named(tmp_path):
    path = folder(tmp_path).source
    (path / "generation_config.json").write_text("[1")
    with pytest.raises(FlowError, match=r"generation_config.json: not valid JSON"):
        load(path)


def test_llama2c_opens_and_ends_with_the_same_token(tmp_path):
    c = load(exports.llama2c(tmp_path / "m.bin", SHAPE, exports.weights()))
    assert (c.begin, c.ends, c.end, c.opens) == (1, (1,), 1, True)


def test_llama2c_takes_the_tokenizer_whose_size_fits(tmp_path):
    path = exports.llama2c(tmp_path / "m.bin", SHAPE, exports.weights())
    larger = [*PIECES, "abcd"]
    exports.llama2c_tokens(tmp_path / "tokenizer.bin", larger)
    exports.llama2c_tokens(tmp_path / f"tok{SHAPE.vocab}.bin", PIECES)
    assert load(path).tokenizer().get_vocab_size() == SHAPE.vocab
    # A name is not trusted either.
    exports.llama2c_tokens(tmp_path / "tokenizer.bin", PIECES)
    exports.llama2c_tokens(tmp_path / f"tok{SHAPE.vocab}.bin", larger)
    assert load(path).tokenizer().get_vocab_size() == SHAPE.vocab
    (tmp_path / "tokenizer.bin").unlink()
    exports.llama2c_tokens(tmp_path / "tok32000.bin", PIECES)
    assert load(path).tokenizer().get_vocab_size() == SHAPE.vocab
    (tmp_path / "tok32000.bin").write_bytes(struct.pack("<ifi", 4, 0.0, 99))
    found = f"tok{SHAPE.vocab}.bin with {len(larger)}, tok32000.bin, damaged"
    with pytest.raises(FlowError, match=rf"no tokenizer of {SHAPE.vocab} tokens.*{found}"):
        load(path).tokenizer()
