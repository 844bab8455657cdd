import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from metal_configs.checkpoint import load
from metal_configs.checkpoint.checkpoint import tensor_shapes
from metal_configs.checkpoint.huggingface import hf_name, interleave
from rtl_gen.errors import FlowError
from rtl_gen.golden.shape import Shape

TINY = Shape(dim=8, layers=2, heads=4, kv_heads=2, head_dim=2, hidden=12, vocab=10, context=16, tied=False)
CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "hidden_act": "silu",
    "hidden_size": TINY.dim,
    "intermediate_size": TINY.hidden,
    "num_hidden_layers": TINY.layers,
    "num_attention_heads": TINY.heads,
    "num_key_value_heads": TINY.kv_heads,
    "vocab_size": TINY.vocab,
    "max_position_embeddings": TINY.context,
    "rms_norm_eps": 1e-5,
}


def tensors(seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {hf_name(n): rng.standard_normal(s).astype(np.float32) for n, s in tensor_shapes(TINY).items()}


def make(folder: Path, weights: dict[str, np.ndarray] | None = None, **config: object) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG | config))
    save_file(tensors() if weights is None else weights, folder / "model.safetensors")
    return folder


def test_loads_every_tensor_by_canonical_name(tmp_path):
    c = load(make(tmp_path / "tiny"))
    assert (c.name, c.shape) == ("tiny", TINY)
    raw = tensors()
    for name in c.names():
        want = raw[hf_name(name)]
        if name.endswith((".q", ".k")):
            want = interleave(want, TINY.head_dim)
        np.testing.assert_array_equal(c.tensor(name), want)
        assert c.tensor(name).dtype == np.float32
    with pytest.raises(KeyError):
        c.tensor("layers.0.nothing")


def test_interleave_pairs_the_halves():
    rows = np.arange(12)[:, None] * np.ones(3)
    assert interleave(rows, 6)[:, 0].tolist() == [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11]


@pytest.mark.parametrize("kind", ["F16", "BF16"])
def test_half_precision(tmp_path, kind):
    folder = make(tmp_path / "m")
    header: dict = {}
    blob = b""
    for name, a in tensors().items():
        half = a.astype(np.float16) if kind == "F16" else (a.view(np.uint32) >> 16).astype(np.uint16)
        header[name] = {
            "dtype": kind,
            "shape": list(a.shape),
            "data_offsets": [len(blob), len(blob) + half.nbytes],
        }
        blob += half.tobytes()
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + blob)
    found, want = load(folder).tensor("layers.1.down"), tensors()[hf_name("layers.1.down")]
    np.testing.assert_allclose(found, want, rtol=2**-7)
    assert found.dtype == np.float32


def test_shards(tmp_path):
    folder = make(tmp_path / "m")
    (folder / "model.safetensors").unlink()
    names = sorted(tensors())
    parts = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    for file, part in parts.items():
        save_file({n: tensors()[n] for n in part}, folder / file)
    index = {"weight_map": {n: f for f, part in parts.items() for n in part}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    np.testing.assert_array_equal(load(folder).tensor("embed"), tensors()[hf_name("embed")])
    held = len(parts["a.safetensors"]) - 1
    lost = (
        rf"c.safetensors: no such file, which model.safetensors.index.json says holds {names[0]} and 0 more"
    )
    for value, message in [("../x", "expected a file of this folder"), ("c.safetensors", lost)]:
        index["weight_map"][names[0]] = value
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))
        with pytest.raises(FlowError, match=message):
            load(folder)
    index["weight_map"][names[0]] = "a.safetensors"
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "a.safetensors").unlink()
    with pytest.raises(FlowError, match=rf"a.safetensors: no such file(.|\n)*and {held} more tensors"):
        load(folder)
    (folder / "model.safetensors.index.json").unlink()
    with pytest.raises(FlowError, match=r"several files need model.safetensors.index.json"):
        load(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"architectures": ["Qwen2ForCausalLM"]}, r"architectures is \['Qwen2ForCausalLM'\], expected"),
        ({"hidden_act": "gelu"}, "hidden_act is 'gelu', expected 'silu'"),
        ({"attention_bias": True}, "attention_bias is True"),
        ({"mlp_bias": True}, "mlp_bias is True"),
        (
            {"rope_scaling": {"rope_type": "llama3"}},
            r"\(rope_scaling\): factor is nothing, expected a number",
        ),
        ({"rope_scaling": {"rope_type": "yarn"}}, "rope_scaling is .*yarn.* expected null"),
        ({"rope_scaling": 2}, "rope_scaling is 2"),
        ({"rope_parameters": {"rope_type": "yarn"}}, "rope_parameters is"),
        ({"quantization_config": {"bits": 4}}, "quantization_config is"),
        (
            {"num_key_value_heads": 3},
            "num_key_value_heads is 3, expected a divisor of num_attention_heads, 4",
        ),
        ({"num_attention_heads": 3, "num_key_value_heads": 3}, "expected a divisor of hidden_size, 8"),
        ({"head_dim": 3}, "a head has 3 elements, expected an even number"),
        ({"hidden_size": True}, "hidden_size is True, expected a whole number"),
        ({"hidden_size": -1}, "hidden_size is -1"),
        ({"num_hidden_layers": 10**9}, "num_hidden_layers is 1000000000"),
        ({"vocab_size": None}, "vocab_size is None"),
        ({"rope_theta": "x"}, "rope_theta is 'x', expected a number"),
        ({"rms_norm_eps": float("nan")}, "rms_norm_eps is nan"),
        ({"tie_word_embeddings": "yes"}, "tie_word_embeddings is 'yes'"),
        ({"vocab_size": 11}, r"embed_tokens.weight has shape \(10, 8\), expected \(11, 8\)"),
        ({"num_hidden_layers": 3}, "no tensor model.layers.2.self_attn.q_proj.weight, expected one of shape"),
    ],
)
def test_bad_config(tmp_path, change, message):
    with pytest.raises(FlowError, match=message):
        load(make(tmp_path / "m", **change))


def test_config_defaults_and_newer_fields(tmp_path):
    c = load(make(tmp_path / "m", rope_scaling={"type": "default"}, rope_parameters={"rope_theta": 500.0}))
    assert c.shape.rope_theta == 500.0
    assert c.shape.head_dim == 2


def test_tied_model_needs_no_head(tmp_path):
    some = {n: a for n, a in tensors().items() if n != "lm_head.weight"}
    assert "head" not in load(make(tmp_path / "m", some, tie_word_embeddings=True)).names()
    with pytest.raises(FlowError, match=r"no tensor lm_head.weight(.|\n)*not tied"):
        load(make(tmp_path / "m", some))


def test_bad_values_are_found_when_read(tmp_path):
    for value in (np.nan, np.inf):
        bad = tensors()
        bad[hf_name("layers.1.up")][2, 3] = value
        c = load(make(tmp_path / "m", bad))
        c.tensor("layers.0.up")
        with pytest.raises(
            FlowError, match=r"m/model.safetensors: tensor model.layers.1.mlp.up_proj.weight holds 1 NaN"
        ):
            c.tensor("layers.1.up")


def test_refuses_biases_and_other_types(tmp_path):
    bias = {"model.layers.0.self_attn.q_proj.bias": np.zeros(8, np.float32)}
    with pytest.raises(FlowError, match=r"q_proj.bias is a bias"):
        load(make(tmp_path / "m", tensors() | bias))
    ints = tensors() | {hf_name("embed"): np.zeros((10, 8), np.int32)}
    with pytest.raises(FlowError, match=r"embed_tokens.weight has dtype I32, expected F32, F16 or BF16"):
        load(make(tmp_path / "m", ints))
    more = {"model.layers.0.self_attn.q_norm.weight": np.zeros(2, np.float32)}
    with pytest.raises(FlowError, match=r"q_norm.weight is no part of a Llama decoder, expected none"):
        load(make(tmp_path / "m", tensors() | more))
    table = {"model.layers.0.self_attn.rotary_emb.inv_freq": np.ones(1, np.float32)}
    assert load(make(tmp_path / "m", tensors() | table)).shape == TINY


def test_missing_files(tmp_path):
    with pytest.raises(FlowError, match="no such checkpoint"):
        load(tmp_path / "nothing")
    with pytest.raises(FlowError, match=r"config.json: no such file"):
        load(tmp_path)
    folder = make(tmp_path / "m")
    (folder / "model.safetensors").unlink()
    with pytest.raises(FlowError, match=r"model.safetensors: no such file(.|\n)*folder holds config.json"):
        load(folder)
    (folder / "pytorch_model.bin").write_bytes(b"PK")
    with pytest.raises(FlowError, match=r"Only safetensors are read"):
        load(folder)
    (folder / "model.safetensors").mkdir()
    with pytest.raises(FlowError, match=r"model.safetensors: cannot be read"):
        load(folder)
    (tmp_path / "file.pt").write_bytes(b"x")
    with pytest.raises(FlowError, match="not a checkpoint of a known format"):
        load(tmp_path / "file.pt")
    with pytest.raises(FlowError):
        load("a\0b")


def test_tokenizer(tmp_path):
    folder = make(tmp_path / "m")
    with pytest.raises(FlowError, match=r"no tokenizer with the weights"):
        load(folder).tokenizer()
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(FlowError, match="not a tokenizer"):
        load(folder).tokenizer()
    model = {"type": "WordLevel", "vocab": {"a": 0, "b": 10}, "unk_token": "a"}
    (folder / "tokenizer.json").write_text(json.dumps({"model": model}))
    with pytest.raises(FlowError, match="token 10 has no row in the embedding, which has 10"):
        load(folder).tokenizer()


def header_file(folder: Path, header: object, data: bytes = b"") -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + data)
    return folder


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (b"[" * 100000, "not valid JSON"),
        (b"\xff", "not valid JSON"),
        ([], "holds a JSON list, expected an object"),
        ({"a": 1}, "tensor a has dtype"),
        ({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}, "has 4 bytes, expected 8"),
        ({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [4, 0]}}, r"tensor a has shape \[-1\]"),
        ({"a": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 1 << 42]}}, "but the file has"),
        (
            {n: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]} for n in "ab"},
            "tensor b overlaps the one before it",
        ),
    ],
)
def test_lying_headers(tmp_path, header, message):
    with pytest.raises(FlowError, match=message):
        load(header_file(make(tmp_path / "m"), header, b"\0" * 4))


def test_lying_header_length(tmp_path):
    folder = make(tmp_path / "m")
    (folder / "model.safetensors").write_bytes(b"\xff" * 7 + b"\x7f{}")
    with pytest.raises(FlowError, match="header claims"):
        load(folder)


def read_all(folder: Path) -> None:
    """Load everything; whatever is wrong must come out as FlowError, and cheaply."""
    tracemalloc.start()
    try:
        load(folder).weights()
    except FlowError:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 4 << 20


FUZZ = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FUZZ
@given(data=st.data())
def test_fuzz_weights(tmp_path, data):
    folder = make(tmp_path / "m")
    file = folder / "model.safetensors"
    blob = bytearray(file.read_bytes())
    header = 8 + int.from_bytes(blob[:8], "little")
    where = st.integers(0, header - 1) | st.integers(0, len(blob) - 1)
    for at, value in data.draw(st.lists(st.tuples(where, st.integers(0, 255)), max_size=6)):
        blob[at] = value
    cut = data.draw(st.none() | where)
    file.write_bytes(bytes(blob if cut is None else blob[:cut]))
    read_all(folder)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)


@FUZZ
@given(data=st.data())
def test_fuzz_config(tmp_path, data):
    fields = [*CONFIG, "rope_theta", "rope_scaling", "rope_parameters", "head_dim", "tie_word_embeddings"]
    read_all(make(tmp_path / "m", **data.draw(st.dictionaries(st.sampled_from(fields), JSON, max_size=3))))


@FUZZ
@given(
    table=st.dictionaries(st.sampled_from(sorted(tensors())) | st.text(max_size=3), JSON, max_size=4) | JSON,
    name=st.sampled_from(["model.safetensors", "..", "", "x" * 300, "a\0", "\ud800"]) | st.text(max_size=4),
)
def test_fuzz_index(tmp_path, table, name):
    folder = make(tmp_path / "m")
    if isinstance(table, dict):
        table |= {hf_name("embed"): name}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": table}))
    read_all(folder)


@FUZZ
@given(
    header=st.dictionaries(
        st.sampled_from(sorted(tensors())),
        st.fixed_dictionaries(
            {"dtype": st.sampled_from(["F32", "BF16", "I8"]) | JSON, "shape": st.lists(JSON, max_size=3),
             "data_offsets": st.lists(st.integers(-8, 1 << 60) | JSON, max_size=3) | JSON}
        ),
    )
)  # fmt: skip
def test_fuzz_header(tmp_path, header):
    read_all(header_file(make(tmp_path / "m"), header, bytes(range(256))))
