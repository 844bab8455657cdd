"""GGUF files (versions 2 and 3) of Llama models, dequantised one tensor at a time."""

__all__ = ["READABLE", "accepts", "gguf_name", "load"]

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGMLQuantizationType as Kind
from gguf.quants import dequantize
from tokenizers import Tokenizer

from metal_configs.checkpoint.checkpoint import Checkpoint, tensor_shapes
from metal_configs.checkpoint.config import LIMITS
from metal_configs.checkpoint.gguf_header import MAGIC, GgufHeader, read_header
from metal_configs.checkpoint.tokens import SPACE, byte_level, sentencepiece, token_number
from rtl_gen.errors import FlowError
from rtl_gen.golden.shape import Shape

READABLE = (Kind.F32, Kind.F16, Kind.BF16, Kind.Q8_0, Kind.Q4_0, Kind.Q4_1, Kind.Q4_K, Kind.Q6_K)
NAMES = {"embed": "token_embd", "final_norm": "output_norm", "head": "output"}
# A converter to GGUF has already put the rows of q and k into interleaved RoPE order, which is ours.
KINDS = {
    "q": "attn_q", "k": "attn_k", "v": "attn_v", "o": "attn_output", "gate": "ffn_gate", "up": "ffn_up",
    "down": "ffn_down", "norm_attn": "attn_norm", "norm_mlp": "ffn_norm",
}  # fmt: skip
ROPE = "rope_freqs.weight"
NORMAL, UNKNOWN, CONTROL, USER, UNUSED, BYTE = 1, 2, 3, 4, 5, 6


def accepts(path: Path) -> bool:
    """Whether this reader is the one to try: a file that ends in .gguf or begins as one."""
    if not path.is_file():
        return False
    if path.suffix == ".gguf":
        return True
    try:
        with path.open("rb") as f:
            return f.read(4) == MAGIC
    except OSError:
        return False


def gguf_name(name: str) -> str:
    """The GGUF name of a canonical one: "layers.3.q" is "blk.3.attn_q.weight"."""
    if name in NAMES:
        return NAMES[name] + ".weight"
    _, layer, kind = name.split(".")
    return f"blk.{layer}.{KINDS[kind]}.weight"


def load(path: Path, name: str) -> Checkpoint:
    """Open a file; see `metal_configs.checkpoint.load`."""
    header = read_header(path)
    shape = _shape(header)
    for tensor, want in tensor_shapes(shape).items():
        _check(header, gguf_name(tensor), want)
    for tensor in header.tensors:
        if tensor.endswith(".bias"):
            raise FlowError(f"tensor {tensor} is a bias, expected none", where=str(path))
    values = header.values
    begin, end = (
        token_number(values.get(f"tokenizer.ggml.{k}_token_id"), shape.vocab) for k in ("bos", "eos")
    )
    return Checkpoint(
        name, shape, path, lambda tensor: _read(header, gguf_name(tensor)), _tokenizer(header), begin, end,
        # The runtime's own default: SentencePiece models are used to it, byte-level ones say so.
        opens=bool(values.get("tokenizer.ggml.add_bos_token", values.get("tokenizer.ggml.model") == "llama")),
        formats=tuple(sorted({t.kind.name for t in header.tensors.values()})),
    )  # fmt: skip


def _check(header: GgufHeader, name: str, want: tuple[int, ...]) -> None:
    where = str(header.path)
    t = header.tensors.get(name)
    if t is None:
        raise FlowError(f"no tensor {name}, expected one of shape {want}", where=where)
    if t.shape != want:
        raise FlowError(f"tensor {name} has shape {t.shape}, expected {want} from the header", where=where)
    if t.kind not in READABLE:
        raise FlowError(
            f"tensor {name} has type {t.kind.name}, expected {', '.join(k.name for k in READABLE)}",
            where=where, hint="Give a file in one of these types; F16 or Q8_0 lose least.",
        )  # fmt: skip


def _read(header: GgufHeader, name: str) -> np.ndarray:
    t = header.tensors[name]
    try:
        raw = np.fromfile(header.path, np.uint8, t.size, offset=t.begin)
    except OSError as e:
        raise FlowError(f"cannot be read ({e.strerror or e})", where=str(header.path)) from e
    if raw.size != t.size:
        raise FlowError(f"tensor {name} has {raw.size} bytes, expected {t.size}", where=str(header.path))
    with np.errstate(all="ignore"):  # NaN and infinity are reported by `Checkpoint.tensor`
        return (
            dequantize(raw.reshape(math.prod(t.shape[:-1]), -1), t.kind).astype(np.float32).reshape(t.shape)
        )


def _shape(header: GgufHeader) -> Shape:
    where, values = str(header.path), header.values

    def bad(key: str, expected: str, hint: str = "") -> FlowError:
        found = f"{values[key]!r:.80}" if key in values else "nothing"
        return FlowError(f"{key} is {found}, expected {expected}", where=where, hint=hint)

    def integer(key: str, limit: str, default: int | None = None) -> int:
        value = values.get(f"llama.{key}", default)
        if type(value) is not int or not 1 <= value <= LIMITS[limit]:
            raise bad(f"llama.{key}", f"a whole number from 1 to {LIMITS[limit]}")
        return value

    def number(key: str, default: float, low: float, high: float) -> float:
        value: Any = values.get(f"llama.{key}", default)
        if type(value) not in (int, float) or not low <= value <= high:
            raise bad(f"llama.{key}", f"a number from {low:g} to {high:g}")
        # GGUF holds float32: 1e-5 must come back as the 1e-5 that the other formats state.
        return float(f"{value:.7g}")

    if values.get("general.architecture") != "llama":
        raise bad("general.architecture", "'llama'", "Only Llama decoders can be hardwired.")
    if values.get("llama.rope.scaling.type", "none") not in ("none", ""):
        raise bad(
            "llama.rope.scaling.type", "'none'", "Of scaled RoPE, that of Llama 3.1 alone is supported."
        )
    dim = integer("embedding_length", "hidden_size")
    heads = integer("attention.head_count", "num_attention_heads")
    kv_heads = integer("attention.head_count_kv", "num_key_value_heads", heads)
    if heads % kv_heads:
        raise bad("llama.attention.head_count_kv", f"a divisor of llama.attention.head_count, {heads}")
    head_dim = integer("attention.key_length", "head_dim", max(dim // heads, 1))
    if "llama.attention.key_length" not in values and dim % heads:
        raise bad("llama.attention.head_count", f"a divisor of llama.embedding_length, {dim}")
    if head_dim % 2:
        raise FlowError(f"a head has {head_dim} elements, expected an even number for RoPE", where=where)
    for key in ("llama.attention.value_length", "llama.rope.dimension_count"):
        if values.get(key, head_dim) != head_dim:
            raise bad(key, f"the elements of a head, {head_dim}")
    if values.get("llama.expert_count", 0):
        raise bad("llama.expert_count", "none", "Mixtures of experts are not supported.")
    embed = header.tensors.get(gguf_name("embed"))
    if embed is None or len(embed.shape) != 2:
        raise FlowError("no tensor token_embd.weight, expected a matrix", where=where)
    factors: tuple[float, ...] = ()
    if ROPE in header.tensors:
        _check(header, ROPE, (head_dim // 2,))
        factors = tuple(float(x) for x in _read(header, ROPE))
        if not all(math.isfinite(x) and x > 0 for x in factors):
            raise FlowError(f"tensor {ROPE} holds {min(factors)}, expected positive numbers", where=where)
    return Shape(
        dim=dim, layers=integer("block_count", "num_hidden_layers"), heads=heads, kv_heads=kv_heads,
        head_dim=head_dim, hidden=integer("feed_forward_length", "intermediate_size"), vocab=embed.shape[0],
        context=integer("context_length", "max_position_embeddings"),
        rope_theta=number("rope.freq_base", 10000.0, 1.0, 1e12),
        norm_eps=number("attention.layer_norm_rms_epsilon", 1e-5, 0.0, 1.0),
        tied=gguf_name("head") not in header.tensors, rope_factors=factors,
    )  # fmt: skip


def _tokenizer(header: GgufHeader) -> Callable[[], Tokenizer] | None:
    model = header.values.get("tokenizer.ggml.model")
    if model is None:
        return None
    where = f"{header.path} (tokenizer)"

    def values(key: str, kind: type, count: int | None = None) -> list:
        got = header.values.get(f"tokenizer.ggml.{key}")
        if (
            not isinstance(got, list)
            or not all(type(x) is kind for x in got)
            or (count is not None and len(got) != count)
        ):
            raise FlowError(
                f"tokenizer.ggml.{key} is {got!r:.40}, expected a list of {count or ''} {kind.__name__}",
                where=where,
            )
        return got

    def make() -> Tokenizer:
        tokens = values("tokens", str)
        types = values("token_type", int, len(tokens)) if "tokenizer.ggml.token_type" in header.values else []
        special = [i for i, t in enumerate(types) if t in (UNKNOWN, CONTROL, USER)]
        if model == "gpt2":
            merges = [m.partition(" ") for m in values("merges", str)]
            cut = str(header.values.get("tokenizer.ggml.pre", "default"))
            return byte_level(tokens, [(a, b) for a, _, b in merges], special, cut, where)
        if model == "llama":
            special.sort(key=lambda i: types[i] != UNKNOWN)
            prefix = header.values.get("tokenizer.ggml.add_space_prefix", True) is not False
            pieces = [t.replace(" ", SPACE) for t in tokens]
            return sentencepiece(pieces, values("scores", float, len(tokens)), special, where, prefix)
        raise FlowError(f"tokenizer.ggml.model is {model!r:.40}, expected 'gpt2' or 'llama'", where=where)

    return make
