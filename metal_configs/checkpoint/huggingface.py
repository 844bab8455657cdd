"""Hugging Face folders: config.json, safetensors in one file or in shards with an index, tokenizer.json."""

__all__ = ["accepts", "hf_name", "interleave", "load", "read_config"]

from pathlib import Path

import numpy as np

from metal_configs.checkpoint.checkpoint import Checkpoint, tensor_shapes
from metal_configs.checkpoint.config import parse_config
from metal_configs.checkpoint.safetensors_file import MAX_JSON, SafetensorsFile, read_json
from metal_configs.checkpoint.tokens import from_json, token_number
from rtl_gen.errors import FlowError

NAMES = {"embed": "model.embed_tokens", "final_norm": "model.norm", "head": "lm_head"}
KINDS = {
    "q": "self_attn.q_proj", "k": "self_attn.k_proj", "v": "self_attn.v_proj", "o": "self_attn.o_proj",
    "gate": "mlp.gate_proj", "up": "mlp.up_proj", "down": "mlp.down_proj",
    "norm_attn": "input_layernorm", "norm_mlp": "post_attention_layernorm",
}  # fmt: skip
TOLD = "tokenizer_config.json"
INDEX, SINGLE = "model.safetensors.index.json", "model.safetensors"


def accepts(path: Path) -> bool:
    """Whether this reader is the one to try: any folder."""
    return path.is_dir()


def hf_name(name: str) -> str:
    """The Hugging Face name of a canonical one: "layers.3.q" is "model.layers.3.self_attn.q_proj.weight"."""
    if name in NAMES:
        return NAMES[name] + ".weight"
    _, layer, kind = name.split(".")
    return f"model.layers.{layer}.{KINDS[kind]}.weight"


def interleave(w: np.ndarray, head_dim: int) -> np.ndarray:
    """Rows of q or k [heads * head_dim, ...] from half-split RoPE order (i pairs with i + head_dim / 2) to
    interleaved order (2i pairs with 2i + 1)."""
    a = w.reshape(-1, 2, head_dim // 2, *w.shape[1:])
    return np.ascontiguousarray(a.swapaxes(1, 2)).reshape(w.shape)


def _json(path: Path) -> dict:
    try:
        if path.stat().st_size > MAX_JSON:
            raise FlowError(f"has {path.stat().st_size} bytes, expected at most {MAX_JSON}", where=str(path))
        return read_json(path.read_bytes(), str(path))
    except FileNotFoundError as e:
        hint = "A checkpoint folder holds config.json, model.safetensors and tokenizer.json."
        raise FlowError("no such file", where=str(path), hint=hint) from e
    except OSError as e:
        raise FlowError(f"cannot be read ({e.strerror or e})", where=str(path)) from e


def _open(folder: Path) -> dict[str, SafetensorsFile]:
    """Which file holds each tensor, by Hugging Face name."""
    if not (folder / INDEX).is_file():
        file = SafetensorsFile(folder / SINGLE)
        return dict.fromkeys(file.entries, file)
    where = str(folder / INDEX)
    table = _json(folder / INDEX).get("weight_map")
    if not isinstance(table, dict):
        raise FlowError("no weight_map, expected an object from tensor names to file names", where=where)
    files: dict[str, SafetensorsFile] = {}
    out = {}
    for tensor, shard in table.items():
        if not isinstance(shard, str) or "\0" in shard or Path(shard).name != shard:
            raise FlowError(
                f"tensor {tensor} lies in {shard!r:.80}, expected a file of this folder", where=where
            )
        file = files.get(shard) or files.setdefault(shard, SafetensorsFile(folder / shard))
        if tensor not in file.entries:
            raise FlowError(f"no tensor {tensor}, which {INDEX} says is here", where=str(folder / shard))
        out[tensor] = file
    return out


def _check(files: dict[str, SafetensorsFile], expected: dict[str, tuple[int, ...]], folder: Path) -> None:
    for name, want in expected.items():
        hf = hf_name(name)
        if hf not in files:
            hint = "config.json says that head and embedding are not tied." if name == "head" else ""
            raise FlowError(f"no tensor {hf}, expected one of shape {want}", where=str(folder), hint=hint)
        found = files[hf].entries[hf].shape
        if found != want:
            raise FlowError(
                f"tensor {hf} has shape {found}, expected {want} from config.json", where=str(files[hf].path)
            )
    for hf in files:
        if hf.endswith(".bias"):
            raise FlowError(f"tensor {hf} is a bias, expected none", where=str(files[hf].path))


def read_config(folder: Path) -> dict:
    """The parsed config.json of a folder, or a FlowError."""
    return _json(folder / "config.json")


def load(folder: Path, name: str) -> Checkpoint:
    """Open a folder; see `metal_configs.checkpoint.load`."""
    config = read_config(folder)
    shape = parse_config(config, str(folder / "config.json"))
    files = _open(folder)
    _check(files, tensor_shapes(shape), folder)

    def read(tensor: str) -> np.ndarray:
        hf = hf_name(tensor)
        a = files[hf].read(hf)
        return interleave(a, shape.head_dim) if tensor.endswith((".q", ".k")) else a

    def read_rows(tensor: str, first: int, count: int) -> np.ndarray:
        hf = hf_name(tensor)
        if not tensor.endswith((".q", ".k")):
            return files[hf].read(hf, (first, count))
        # Interleaving stays within a head: read the heads that hold the rows.
        start = first - first % shape.head_dim
        stop = -(-(first + count) // shape.head_dim) * shape.head_dim
        a = interleave(files[hf].read(hf, (start, stop - start)), shape.head_dim)
        return a[first - start : first - start + count]

    begin, end = (token_number(config.get(f"{k}_token_id"), shape.vocab) for k in ("bos", "eos"))
    told = _json(folder / TOLD) if (folder / TOLD).is_file() else {}
    file = folder / "tokenizer.json"
    return Checkpoint(
        name, shape, folder, read, (lambda: from_json(file)) if file.is_file() else None, begin, end,
        opens=told.get("add_bos_token") is not False,
        formats=tuple(sorted({file.entries[n].dtype for n, file in files.items()})),
        read_rows=read_rows,
    )  # fmt: skip
