"""GGUF, llama2.c and Hugging Face: the same model, and damaged files."""

import dataclasses
import struct
import tracemalloc
from pathlib import Path

import gguf
import numpy as np
import pytest
from gguf import GGMLQuantizationType as Kind
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metal_configs.checkpoint import load
from metal_configs.checkpoint.config import llama3_factors
from metal_configs.checkpoint.gguf_header import read_header
from metal_configs.reference import logits, rope_angles
from rtl_gen.errors import FlowError
from tests.metal_configs import exports
from tests.metal_configs.exports import PIECES, SHAPE

TOKENS = np.array([[1, 5, 300 % SHAPE.vocab, 7, 260, 261, 9]])
TIED = dataclasses.replace(SHAPE, tied=True)


@pytest.mark.parametrize("shape", [SHAPE, TIED], ids=["separate head", "tied"])
def test_one_model_in_three_formats_gives_one_set_of_logits(tmp_path, shape):
    w = exports.weights(shape)
    sources = [
        exports.huggingface(tmp_path / "hf", shape, w),
        exports.write_gguf(tmp_path / "m.gguf", shape, w),
        exports.llama2c(tmp_path / "m.bin", shape, w),
    ]
    expected = logits(shape, w, TOKENS, dtype=np.float64)
    for source in sources:
        c = load(source)
        assert c.shape == shape
        np.testing.assert_array_equal(logits(shape, c.weights(), TOKENS, dtype=np.float64), expected)


def test_gguf_version_2_is_laid_out_alike(tmp_path):
    path = exports.write_gguf(tmp_path / "m.gguf", SHAPE, exports.weights())
    data = bytearray(path.read_bytes())
    assert data[4] == 3
    data[4] = 2
    (tmp_path / "2.gguf").write_bytes(data)
    a, b = load(path), load(tmp_path / "2.gguf")
    assert a.shape == b.shape
    for name in a.names():
        np.testing.assert_array_equal(a.tensor(name), b.tensor(name))


def test_control_rows_in_the_other_order_give_other_logits(tmp_path):
    w = exports.weights()
    wrong = w | {f"layers.0.{k}": exports.halves(w[f"layers.0.{k}"], SHAPE.head_dim) for k in "qk"}
    c = load(exports.write_gguf(tmp_path / "m.gguf", SHAPE, wrong))
    assert np.abs(logits(SHAPE, c.weights(), TOKENS) - logits(SHAPE, w, TOKENS)).max() > 0.1


@pytest.mark.parametrize(
    ("kind", "most"),
    [(Kind.F16, 1e-3), (Kind.BF16, 1e-2), (Kind.Q8_0, 0.01), (Kind.Q4_0, 0.2), (Kind.Q4_1, 0.2)],
)
def test_types_of_gguf(tmp_path, kind, most):
    w = exports.weights()
    c = load(exports.write_gguf(tmp_path / "m.gguf", SHAPE, w, kind))
    for name in ("embed", "layers.1.down", "head"):
        a = c.tensor(name)
        assert a.dtype == np.float32
        assert np.abs(a - w[name]).max() <= most
    np.testing.assert_array_equal(c.tensor("final_norm"), w["final_norm"])


@pytest.mark.parametrize(("kind", "size"), [(Kind.Q4_K, 144), (Kind.Q6_K, 210)])
def test_super_blocks_of_gguf(tmp_path, kind, size):
    """Blocks of 256 with scale 1 and known codes, against the format's definition."""
    raw = np.zeros(size, np.uint8)
    if kind == Kind.Q4_K:  # d, dmin; 12 bytes of 6-bit scales and minima; 128 bytes of nibbles
        raw[:4] = np.array([1.0, 0.5], np.float16).view(np.uint8)
        raw[4:8], raw[8:12] = 3, 2  # of the first four runs of 32
        raw[16:] = 0x5A
        expected = np.concatenate([np.full(32, 3 * v - 1.0) for v in (10, 5, 10, 5)])
    else:  # 128 bytes of low nibbles, 64 of high pairs, 16 scales, d
        raw[:128], raw[128:192], raw[192:208] = 0x21, 0b11100100, 2
        raw[208:] = np.array([0.5], np.float16).view(np.uint8)
        expected = np.concatenate([np.full(32, v - 32.0) for v in (1, 17, 34, 50)])
    shape = dataclasses.replace(SHAPE, dim=256, heads=32, kv_heads=2)
    w = exports.weights(shape)
    w["embed"][:] = 0  # whatever follows the first block
    path = exports.write_gguf(tmp_path / "m.gguf", shape, w)
    header = read_header(path)
    data = bytearray(path.read_bytes())
    at = data.index(b"token_embd.weight") + len("token_embd.weight") + 4 + 16
    data[at : at + 4] = struct.pack("<I", kind)
    begin = header.tensors["token_embd.weight"].begin
    data[begin : begin + size] = raw.tobytes()
    path.write_bytes(data)
    np.testing.assert_array_equal(load(path).tensor("embed")[0][:128], expected)


def test_llama3_scaling_is_the_same_in_both_formats(tmp_path):
    scaling = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
               "original_max_position_embeddings": 64}  # fmt: skip
    factors = llama3_factors(10000.0, 8, 8.0, 1.0, 4.0, 64)
    shape = dataclasses.replace(SHAPE, rope_factors=factors)
    w = exports.weights()
    hf = load(exports.huggingface(tmp_path / "hf", SHAPE, w, rope_scaling=scaling))
    other = load(exports.write_gguf(tmp_path / "m.gguf", shape, w))
    assert hf.shape.rope_factors == factors
    assert factors[0] == 1.0
    assert factors[-1] == 8.0
    a, b = (logits(c.shape, c.weights(), TOKENS, dtype=np.float64) for c in (hf, other))
    np.testing.assert_allclose(a, b, atol=1e-5)
    assert np.abs(a - logits(SHAPE, w, TOKENS)).max() > 1e-3  # scaling changes something
    for field in scaling:
        if field != "rope_type":
            less = {k: v for k, v in scaling.items() if k != field}
            with pytest.raises(FlowError, match=f"{field} is nothing, expected a number"):
                load(exports.huggingface(tmp_path / "hf", SHAPE, w, rope_scaling=less))


LINEAR_HF = [
    {"rope_scaling": {"type": "linear", "factor": 4}},
    {"rope_scaling": {"rope_type": "linear", "factor": 4.0}},
    {"rope_scaling": {"rope_type": "linear", "type": "linear", "factor": 4.0}},
    {"rope_parameters": {"rope_type": "linear", "factor": 4.0, "rope_theta": 10000.0}, "rope_theta": None},
]
LINEAR_GGUF: list[dict[str, object]] = [
    {"llama.rope.scale_linear": 4.0},
    {"llama.rope.scaling.factor": 4.0},
    {"llama.rope.scaling.type": "linear", "llama.rope.scaling.factor": 4.0},
    {"llama.rope.scaling.type": "linear", "llama.rope.scale_linear": 4.0},
    {"llama.rope.scaling.factor": 4.0, "llama.rope.scale_linear": 8.0},  # the newer name goes first
]
PLAIN_GGUF: list[dict[str, object]] = [
    {"llama.rope.scale_linear": 1.0},
    {"llama.rope.scaling.factor": 0.0},
    {"llama.rope.scaling.type": "none", "llama.rope.scaling.factor": 4.0},
    {"llama.rope.scaling.type": "linear"},
    {"llama.rope.scaling.type": ""},
]


def test_linear_scaling_is_honoured_in_every_spelling(tmp_path):
    """It divides positions, and so every angle, by the factor."""
    w = exports.weights()
    slow = rope_angles(dataclasses.replace(SHAPE, rope_factors=(4.0,) * 4), 8)
    np.testing.assert_allclose(slow, rope_angles(SHAPE, 8) / 4)
    want = logits(dataclasses.replace(SHAPE, rope_factors=(4.0,) * 4), w, TOKENS)
    assert np.abs(want - logits(SHAPE, w, TOKENS)).max() > 1e-3
    for config in LINEAR_HF:
        c = load(exports.huggingface(tmp_path / "hf", SHAPE, w, **config))
        np.testing.assert_allclose(logits(c.shape, c.weights(), TOKENS), want, atol=1e-5)
    for fields in LINEAR_GGUF:
        c = load(exports.write_gguf(tmp_path / "m.gguf", SHAPE, w, **fields))
        np.testing.assert_allclose(logits(c.shape, c.weights(), TOKENS), want, atol=1e-5)
    for config in ({"rope_scaling": {"type": "linear", "factor": 1.0}}, {"rope_scaling": {}}):
        assert load(exports.huggingface(tmp_path / "hf", SHAPE, w, **config)).shape.rope_factors == ()
    for fields in PLAIN_GGUF:
        assert load(exports.write_gguf(tmp_path / "m.gguf", SHAPE, w, **fields)).shape == SHAPE


def test_linear_scaling_and_that_of_a_table_multiply(tmp_path):
    shape = dataclasses.replace(SHAPE, rope_factors=(1.0, 2.0, 3.0, 8.0))
    path = exports.write_gguf(tmp_path / "m.gguf", shape, exports.weights(), **LINEAR_GGUF[0])
    assert load(path).shape.rope_factors == (4.0, 8.0, 12.0, 32.0)


@pytest.mark.parametrize("kind", ["dynamic", "yarn", "longrope", "su", 4])
def test_other_scalings_are_refused_in_every_spelling(tmp_path, kind):
    w = exports.weights()
    for config in (
        {"rope_scaling": {"type": kind, "factor": 4.0}},
        {"rope_scaling": {"rope_type": kind, "factor": 4.0}},
        {"rope_parameters": {"rope_type": kind, "factor": 4.0}},
    ):
        with pytest.raises(FlowError, match="No other RoPE scaling is supported"):
            load(exports.huggingface(tmp_path / "hf", SHAPE, w, **config))
    path = exports.write_gguf(tmp_path / "m.gguf", SHAPE, w, **{"llama.rope.scaling.type": kind})
    with pytest.raises(FlowError, match="expected 'none' or 'linear'"):
        load(path)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"rope_scaling": {"factor": 4.0}}, "rope_scaling is {'factor': 4.0}, expected null or one of type"),
        ({"rope_scaling": {"type": "linear"}}, r"\(rope_scaling\): factor is nothing, expected a number"),
        ({"rope_scaling": {"type": "linear", "factor": "4"}}, "factor is '4', expected a number"),
        ({"rope_scaling": {"type": "linear", "factor": 0}}, "factor is 0, expected a number"),
        ({"partial_rotary_factor": 0.5}, "partial_rotary_factor is 0.5"),
        ({"rope_parameters": {"partial_rotary_factor": 0.5}}, "partial_rotary_factor is 0.5"),
        ({"rope_parameters": {"full_attention": {"rope_type": "linear"}}}, "rope_parameters is"),
    ],
)
def test_scaling_that_is_half_said_is_refused(tmp_path, config, message):
    with pytest.raises(FlowError, match=message):
        load(exports.huggingface(tmp_path / "hf", SHAPE, exports.weights(), **config))


def test_llama3_factors_of_the_real_model():
    """Llama 3.1's own numbers: high frequencies stay, low ones are divided by 8, and it is smooth between."""
    f = np.array(llama3_factors(500000.0, 128, 8.0, 1.0, 4.0, 8192))
    assert f.shape == (64,)
    assert (f[:29] == 1).all()
    assert (f[35:] == 8).all()
    assert (np.diff(f) >= 0).all()


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("general__architecture2", "x", None),
        (
            "llama__rope__scaling__type",
            "yarn",
            "llama.rope.scaling.type is 'yarn', expected 'none' or 'linear'",
        ),
        ("llama__attention__value_length", 4, "value_length is 4, expected the elements of a head, 8"),
        ("llama__expert_count", 8, "llama.expert_count is 8"),
        ("llama__rope__scaling__attn_factor", 1.0, None),
        ("llama__rope__scaling__attn_factor", 0.5, "attn_factor is 0.5, expected 1"),
        ("llama__attention__key_length", 3, "a head has 3 elements"),
    ],
)
def test_settings_of_gguf(tmp_path, field, value, message):
    path = exports.write_gguf(tmp_path / "m.gguf", SHAPE, exports.weights(), **{field: value})
    if message is None:
        assert load(path).shape == SHAPE
    else:
        with pytest.raises(FlowError, match=message):
            load(path)


def test_gguf_of_another_architecture_or_type(tmp_path):
    path = tmp_path / "m.gguf"
    out = gguf.GGUFWriter(str(path), "qwen2")
    out.add_tensor("a", np.zeros((2, 4), np.float32))
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()
    with pytest.raises(FlowError, match=r"m.gguf: general.architecture is 'qwen2', expected 'llama'"):
        load(path)
    w = exports.weights()
    with pytest.raises(FlowError, match=r"token_embd.weight has type Q5_0, expected F32, F16"):
        load(exports.write_gguf(path, SHAPE, w, Kind.Q5_0))
    less = {n: a for n, a in w.items() if n != "layers.1.up"}
    with pytest.raises(FlowError, match=r"no tensor blk.1.ffn_up.weight, expected one of shape \(64, 32\)"):
        load(exports.write_gguf(path, SHAPE, less))
    with pytest.raises(FlowError, match=r"blk.0.ffn_gate.weight has shape \(64, 32\), expected \(65, 32\)"):
        load(exports.write_gguf(path, dataclasses.replace(SHAPE, hidden=65), w))
    bad = w | {"layers.0.q": np.full_like(w["layers.0.q"], np.nan)}
    with pytest.raises(FlowError, match=r"m.gguf: tensor blk.0.attn_q.weight holds 1024 NaN"):
        load(exports.write_gguf(path, SHAPE, bad)).tensor("layers.0.q")


def test_tensors_that_would_be_left_out_of_gguf(tmp_path):
    path = exports.write_gguf(tmp_path / "m.gguf", TIED, exports.weights())  # its head is there, so not tied
    assert not load(path).shape.tied
    length = struct.pack("<Q", len("output.weight"))
    good = path.read_bytes()
    for other, message in [
        (b"output.x.bias", "tensor output.x.bias is a bias, expected none"),
        (b"attn_q_norm.w", "tensor attn_q_norm.w is no part of a Llama decoder, expected none"),
    ]:
        path.write_bytes(good.replace(length + b"output.weight", length + other))
        with pytest.raises(FlowError, match=message):
            load(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d[:-4], r"has \d+ bytes and ends in tensor head, expected \d+ from its header"),
        (lambda d: d[:30], r"has 30 bytes and ends in tensor embed, expected \d+ from its header"),
        (lambda d: d + b"\0", r"has \d+ bytes, expected \d+ from its header"),
        (lambda d: d[:20], "expected a header of 28"),
        (lambda d: struct.pack("<i", 0x616B3432) + d[4:], "version 1 or 2 of the format, expected 0"),
        (lambda d: struct.pack("<i", -5) + d[4:], "dim is -5, expected a whole number"),
        (lambda d: d[:12] + struct.pack("<i", 5) + d[16:], "n_heads 5"),
        (
            lambda d: d[:4] + struct.pack("<i", 1 << 19) + d[8:],
            r"has \d+ bytes and ends in tensor layers.0.gate, expected \d+",
        ),
    ],
)
def test_damaged_llama2c(tmp_path, change, message):
    path = exports.llama2c(tmp_path / "m.bin", SHAPE, exports.weights())
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(FlowError, match=message):
        load(path)


def read_all(path: Path) -> None:
    """Load everything; whatever is wrong must come out as FlowError, and cheaply."""
    tracemalloc.start()
    try:
        c = load(path)
        c.weights()
        c.tokenizer()
    except FlowError:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 8 << 20


FUZZ = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def damaged(data, blob: bytes, header: int) -> bytes:
    """Bytes changed, numbers made huge, the end cut off."""
    out = bytearray(blob)
    where = st.integers(0, header - 1) | st.integers(0, len(blob) - 1)
    for at, value in data.draw(st.lists(st.tuples(where, st.integers(0, 255)), max_size=6)):
        out[at] = value
    for at, value in data.draw(
        st.lists(st.tuples(where, st.sampled_from([2**63, 2**40, 2**31, 0])), max_size=2)
    ):
        out[at : at + 8] = struct.pack("<Q", value)
    cut = data.draw(st.none() | where)
    return bytes(out if cut is None else out[:cut])


@FUZZ
@given(data=st.data())
def test_fuzz_gguf(tmp_path, data):
    path = tmp_path / "good.gguf"
    if not path.exists():
        exports.write_gguf(path, SHAPE, exports.weights(), **exports.spm())
    blob = path.read_bytes()
    first = min(t.begin for t in read_header(path).tensors.values())
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(damaged(data, blob, first))
    read_all(bad)


@FUZZ
@given(data=st.data())
def test_fuzz_llama2c(tmp_path, data):
    good = tmp_path / "good.bin"
    if not good.exists():
        exports.llama2c(good, SHAPE, exports.weights())
        exports.llama2c_tokens(tmp_path / "tokens", PIECES)
    (tmp_path / "bad.bin").write_bytes(damaged(data, good.read_bytes(), 28))
    (tmp_path / "tokenizer.bin").write_bytes(damaged(data, (tmp_path / "tokens").read_bytes(), 40))
    read_all(tmp_path / "bad.bin")


def test_lying_gguf_headers(tmp_path):
    path = tmp_path / "m.gguf"
    head = b"GGUF" + struct.pack("<I", 3)
    lies = [
        (head + struct.pack("<QQ", 1 << 60, 0), "number of tensors claims"),
        (head + struct.pack("<QQ", 0, 1 << 60), "number of keys claims"),
        (head + struct.pack("<QQQ", 0, 1, 1 << 62) + b"\0" * 40, "a key claims"),
        (head + struct.pack("<QQQ", 0, 1, 1) + b"a" + struct.pack("<IIQ", 9, 4, 1 << 61), "a claims"),
        (
            head + struct.pack("<QQQ", 0, 1, 1) + b"a" + struct.pack("<IIQ", 9, 9, 1) + b"\0" * 9,
            "array of type 9",
        ),
        (head + struct.pack("<QQQ", 0, 1, 1) + b"a" + struct.pack("<I", 77) + b"\0" * 9, "has type 77"),
        (b"GGUF" + struct.pack("<IQQ", 1, 0, 0), "GGUF version 1, expected 2 or 3"),
        (b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "GGUF version 50331648"),
        (b"GGU", "magic number claims 4 bytes"),
    ]
    for data, message in lies:
        path.write_bytes(data)
        with pytest.raises(FlowError, match=message):
            load(path)


@pytest.mark.parametrize("kind", [Kind.F32, Kind.F16, Kind.Q8_0, Kind.Q4_1])
def test_rows_of_gguf_are_those_of_the_whole(tmp_path, kind):
    w = exports.weights()
    c = load(exports.write_gguf(tmp_path / "m.gguf", SHAPE, w, kind))
    for name in ("embed", "layers.1.down"):
        whole = c.tensor(name)
        assert whole.dtype == np.float32
        np.testing.assert_array_equal(c.rows(name, 0, len(whole)), whole)
        np.testing.assert_array_equal(c.rows(name, 3, 5), whole[3:8])


def test_a_gguf_file_cut_short_after_it_was_opened(tmp_path):
    path = exports.write_gguf(tmp_path / "m.gguf", SHAPE, exports.weights())
    c = load(path)
    with path.open("r+b") as f:
        f.truncate(path.stat().st_size - 4096 * 4)
    with pytest.raises(FlowError, match=r"tensor .* has \d+ bytes, expected \d+"):
        c.weights()
