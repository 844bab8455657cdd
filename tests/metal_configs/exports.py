"""One random model, written in every format that is read."""

import json
import struct
from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Kind
from safetensors.numpy import save_file

from metal_configs.checkpoint.checkpoint import tensor_shapes
from metal_configs.checkpoint.gguf_file import gguf_name
from metal_configs.checkpoint.huggingface import hf_name
from metal_configs.checkpoint.llama2c import HEADER, ORDER
from rtl_gen.golden.shape import Shape

PIECES = [
    "<unk>",
    "<s>",
    "</s>",
    *(f"<0x{n:02X}>" for n in range(256)),
    *"\u2581abcdefgh",
    "ab",
    "\u2581ab",
    "abc",
]
SHAPE = Shape(
    dim=32, layers=2, heads=4, kv_heads=2, head_dim=8, hidden=64, vocab=len(PIECES), context=16, tied=False
)


def weights(shape: Shape = SHAPE, seed: int = 0) -> dict[str, np.ndarray]:
    """Canonical names and order."""
    rng = np.random.default_rng(seed)
    return {
        n: (rng.standard_normal(s) * 0.3 + ("norm" in n)).astype(np.float32)
        for n, s in tensor_shapes(shape).items()
    }


def halves(w: np.ndarray, head_dim: int) -> np.ndarray:
    """Rows from interleaved order to Hugging Face's, written out element by element."""
    out = np.empty_like(w)
    for row in range(len(w)):
        head, i = divmod(row, head_dim)
        out[head * head_dim + i // 2 + (i % 2) * head_dim // 2] = w[row]
    return out


def huggingface(folder: Path, shape: Shape, w: dict[str, np.ndarray], **config: object) -> Path:
    folder.mkdir(exist_ok=True)
    told = {
        "architectures": ["LlamaForCausalLM"], "hidden_act": "silu", "hidden_size": shape.dim,
        "intermediate_size": shape.hidden, "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads, "num_key_value_heads": shape.kv_heads,
        "vocab_size": shape.vocab, "max_position_embeddings": shape.context,
        "rms_norm_eps": shape.norm_eps, "tie_word_embeddings": shape.tied, "rope_theta": shape.rope_theta,
        "bos_token_id": 1, "eos_token_id": [2],
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(told | config))
    tensors = {hf_name(n): halves(a, shape.head_dim) if n.endswith((".q", ".k")) else a for n, a in w.items()}
    save_file(tensors, folder / "model.safetensors")
    return folder


def llama2c(path: Path, shape: Shape, w: dict[str, np.ndarray]) -> Path:
    sign = 1 if shape.tied else -1
    data = HEADER.pack(
        shape.dim, shape.hidden, shape.layers, shape.heads, shape.kv_heads, sign * shape.vocab, shape.context
    )
    for kind in ORDER:
        if kind == "head":
            data += b"\1" * (4 * shape.context * shape.head_dim)
        if kind in ("embed", "final_norm", "head"):
            data += w[kind].tobytes() if kind in w else b""
        else:
            data += b"".join(w[f"layers.{n}.{kind}"].tobytes() for n in range(shape.layers))
    path.write_bytes(data)
    return path


def llama2c_tokens(path: Path, pieces: list[str]) -> Path:
    """The file tokenizer.bin: longer pieces merge first."""
    data = struct.pack("<i", max(map(len, pieces)))
    for n, piece in enumerate(pieces):
        text = {1: "\n<s>\n", 2: "\n</s>\n"}.get(n, piece.replace("\u2581", " ")).encode()
        data += struct.pack("<fi", score(piece), len(text)) + text
    path.write_bytes(data)
    return path


def score(piece: str) -> float:
    return 0.0 if len(piece) in (1, 6) else -10.0 / len(piece)


def write_gguf(
    path: Path, shape: Shape, w: dict[str, np.ndarray], kind: Kind = Kind.F32, **fields: object
) -> Path:
    """Matrices in `kind`, norms in float32; `fields` are further keys, with "__" for "."."""
    out = _gguf_writer(path, shape, **fields)
    if shape.rope_factors:
        out.add_tensor("rope_freqs.weight", np.array(shape.rope_factors, np.float32))
    for n, a in w.items():
        if a.ndim == 1 or kind == Kind.F32:
            out.add_tensor(gguf_name(n), a)
        else:
            out.add_tensor(gguf_name(n), gguf.quants.quantize(a, kind), raw_dtype=kind)
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()
    return path


def hollow_gguf(path: Path, shape: Shape, kind: Kind = Kind.F16) -> Path:
    """As `write_gguf`, of any size: every weight is 0, and the file a hole that takes no room on the disk."""
    out = _gguf_writer(path, shape)
    size = 0
    for n, dims in tensor_shapes(shape).items():
        per, each = gguf.GGML_QUANT_SIZES[kind]
        length = int(np.prod(dims)) // per * each
        bytes_shape = (*dims[:-1], dims[-1] // per * each)
        out.add_tensor_info(gguf_name(n), bytes_shape, np.dtype(np.uint8), length, raw_dtype=kind)
        size += -(-length // 32) * 32
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_ti_data_to_file()
    out.close()
    with path.open("r+b") as f:
        f.truncate(path.stat().st_size + size + 32)
    return path


def _gguf_writer(path: Path, shape: Shape, **fields: object) -> gguf.GGUFWriter:
    out = gguf.GGUFWriter(str(path), "llama")
    out.add_context_length(shape.context)
    out.add_embedding_length(shape.dim)
    out.add_block_count(shape.layers)
    out.add_feed_forward_length(shape.hidden)
    out.add_head_count(shape.heads)
    out.add_head_count_kv(shape.kv_heads)
    out.add_layer_norm_rms_eps(shape.norm_eps)
    out.add_rope_freq_base(shape.rope_theta)
    out.add_rope_dimension_count(shape.head_dim)
    for name, value in fields.items():
        key = name.replace("__", ".")
        if isinstance(value, str):
            out.add_string(key, value)
        elif isinstance(value, bool):
            out.add_bool(key, value)
        elif isinstance(value, list):
            out.add_array(key, value)
        elif isinstance(value, float):
            out.add_float32(key, value)
        else:
            out.add_uint32(key, value)
    return out


def spm(shape: Shape = SHAPE) -> dict[str, object]:
    """Keys of a GGUF file with a SentencePiece vocabulary."""
    kinds = [2, 3, 3, *[6] * 256, *[1] * (shape.vocab - 259)]
    return {
        "tokenizer__ggml__model": "llama", "tokenizer__ggml__tokens": PIECES,
        "tokenizer__ggml__scores": [score(p) for p in PIECES], "tokenizer__ggml__token_type": kinds,
        "tokenizer__ggml__bos_token_id": 1, "tokenizer__ggml__eos_token_id": 2,
    }  # fmt: skip
