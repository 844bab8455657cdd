"""Whatever lies beside the weights: one message at most, and tokens of the vocabulary."""

import contextlib
import json

import pytest
from gguf import GGUFWriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metal_configs.checkpoint import Checkpoint, load
from metal_configs.checkpoint.config import parse_config
from metal_configs.words.tokens import build_tokenizer
from rtl_gen.errors import FlowError
from tests.metal_configs import exports
from tests.metal_configs.exports import PIECES, SHAPE

ROUGH = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
NUMBERS = st.one_of(st.integers(-3, 300), st.floats(), st.booleans(), st.none(), st.text(max_size=3))
VALUES = st.recursive(
    NUMBERS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
KINDS = st.sampled_from(["linear", "llama3", "default", "yarn", "dynamic", "longrope", None, 3, "", []])
ROPE = st.dictionaries(
    st.sampled_from(
        ["type", "rope_type", "factor", "rope_theta", "low_freq_factor", "high_freq_factor", "full_attention",
         "original_max_position_embeddings", "partial_rotary_factor"]
    ),
    KINDS | VALUES,
    max_size=5,
)  # fmt: skip


def sound(c: Checkpoint) -> None:
    tokens = {*c.ends, *([] if c.begin is None else [c.begin])}
    assert all(type(t) is int and 0 <= t < c.shape.vocab for t in tokens)
    assert len(c.ends) == len(set(c.ends))
    assert isinstance(c.opens, bool)
    with contextlib.suppress(FlowError):
        c.tokenizer()


@pytest.fixture(scope="module")
def hf(tmp_path_factory):
    return exports.huggingface(tmp_path_factory.mktemp("hf") / "m", SHAPE, exports.weights())


@ROUGH
@given(told=VALUES, generation=VALUES, ids=st.tuples(VALUES, VALUES), data=st.data())
def test_fuzz_what_a_folder_says_about_texts(hf, told, generation, ids, data):
    config = json.loads((hf / "config.json").read_text())
    (hf / "config.json").write_text(
        json.dumps(config | dict(zip(("bos_token_id", "eos_token_id"), ids, strict=True)))
    )
    for name, key, value in (
        ("tokenizer_config.json", "bos_token", told), ("generation_config.json", "eos_token_id", generation),
    ):  # fmt: skip
        (hf / name).write_text(
            json.dumps(data.draw(st.sampled_from([value, {key: value}, {"add_bos_token": value}])))
        )
    tokenizer = json.loads(build_tokenizer().to_str())
    tokenizer["post_processor"] = data.draw(st.just(tokenizer["post_processor"]) | VALUES)
    (hf / "tokenizer.json").write_text(json.dumps(tokenizer))
    try:
        with contextlib.suppress(FlowError):
            sound(load(hf))
    finally:
        (hf / "config.json").write_text(json.dumps(config))


@ROUGH
@given(scaling=ROPE | VALUES, parameters=ROPE | VALUES, theta=VALUES)
def test_fuzz_scaled_rotations(hf, scaling, parameters, theta):
    raw = json.loads((hf / "config.json").read_text())
    changed = raw | {"rope_scaling": scaling, "rope_parameters": parameters, "rope_theta": theta}
    with contextlib.suppress(FlowError):
        shape = parse_config(changed, "config.json")
        assert len(shape.rope_factors) in (0, SHAPE.head_dim // 2)
        assert all(0 < f < float("inf") for f in shape.rope_factors)


@ROUGH
@given(data=st.data())
def test_fuzz_tokenizer_bin(tmp_path, data):
    path = exports.llama2c(tmp_path / "m.bin", SHAPE, exports.weights())
    for name in ("tokenizer.bin", f"tok{SHAPE.vocab}.bin", "tok9.bin"):
        (tmp_path / name).unlink(missing_ok=True)
        if data.draw(st.booleans()):
            exports.llama2c_tokens(tmp_path / name, PIECES)
            blob = bytearray((tmp_path / name).read_bytes())
            for at in data.draw(st.lists(st.integers(0, len(blob) - 1), max_size=2)):
                blob[at] ^= data.draw(st.integers(1, 255))
            (tmp_path / name).write_bytes(blob[: data.draw(st.integers(0, len(blob)) | st.just(len(blob)))])
    sound(load(path))


KEYS = st.dictionaries(
    st.sampled_from(["bos_token_id", "eos_token_id", "eot_token_id", "add_bos_token", "pre", "model"]),
    st.integers(0, 1 << 31) | st.booleans() | st.sampled_from(["llama", "gpt2", ""]),
    max_size=4,
)


@ROUGH
@given(keys=KEYS)
def test_fuzz_what_a_gguf_says_about_texts(tmp_path, keys):
    fields = {f"tokenizer__ggml__{k}": v for k, v in keys.items()}
    sound(load(exports.write_gguf(tmp_path / "m.gguf", SHAPE, exports.weights(), **fields)))


NAMES = st.from_regex(r"m(-\d{5}-of-\d{5})?\.gguf", fullmatch=True)


@ROUGH
@given(count=st.integers(0, 0xFFFF), no=st.integers(0, 0xFFFF), name=NAMES)
def test_fuzz_parts_of_gguf(tmp_path, count, no, name):
    path = tmp_path / name
    w = GGUFWriter(str(path), "llama")
    w.add_uint16("split.count", count)
    w.add_uint16("split.no", no)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_ti_data_to_file()
    w.close()
    with pytest.raises(FlowError):
        load(path)
