"""Hugging Face folders: config.json, safetensors in one file or in shards with an index, tokenizer.json."""

__all__ = ["accepts", "hf_name", "interleave", "load", "read_config"]

import os
from pathlib import Path
from typing import Any

import numpy as np

from metal_configs.checkpoint.checkpoint import Checkpoint, tensor_shapes
from metal_configs.checkpoint.config import parse_config
from metal_configs.checkpoint.huggingface_texts import TOKENS, read_texts
from metal_configs.checkpoint.safetensors_file import SafetensorsFile, json_file
from rtl_gen.errors import FlowError

NAMES = {"embed": "model.embed_tokens", "final_norm": "model.norm", "head": "lm_head"}
KINDS = {
    "q": "self_attn.q_proj", "k": "self_attn.k_proj", "v": "self_attn.v_proj", "o": "self_attn.o_proj",
    "gate": "mlp.gate_proj", "up": "mlp.up_proj", "down": "mlp.down_proj",
    "norm_attn": "input_layernorm", "norm_mlp": "post_attention_layernorm",
}  # fmt: skip
CONFIG = "config.json"
# Tables that follow from the shape, and the copy of the embedding that some tools write for a tied head.
SPARE = (".rotary_emb.inv_freq", "lm_head.weight")
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


def _open(folder: Path) -> dict[str, SafetensorsFile]:
    """Which file holds each tensor, by Hugging Face name."""
    if not (folder / INDEX).is_file():
        if not (folder / SINGLE).exists():
            raise FlowError("no such file", where=str(folder / SINGLE), hint=_instead(folder))
        file = SafetensorsFile(folder / SINGLE)
        return dict.fromkeys(file.entries, file)
    where = str(folder / INDEX)
    table = json_file(folder / INDEX).get("weight_map")
    if not isinstance(table, dict):
        raise FlowError("no weight_map, expected an object from tensor names to file names", where=where)
    files: dict[str, SafetensorsFile] = {}
    out = {}
    for tensor, shard in table.items():
        if not isinstance(shard, str) or "\0" in shard or Path(shard).name != shard:
            raise FlowError(
                f"tensor {tensor} lies in {shard!r:.80}, expected a file of this folder", where=where
            )
        # Unlike Path.exists this is false for a name that no file can have.
        if shard not in files and not os.path.exists(folder / shard):
            held = sum(other == shard for other in table.values())
            raise FlowError(
                f"no such file, which {INDEX} says holds {tensor} and {held - 1} more tensors",
                where=str(folder / shard), hint="The checkpoint is incomplete; fetch this shard too.",
            )  # fmt: skip
        file = files.get(shard) or files.setdefault(shard, SafetensorsFile(folder / shard))
        if tensor not in file.entries:
            raise FlowError(f"no tensor {tensor}, which {INDEX} says is here", where=str(folder / shard))
        out[tensor] = file
    return out


def _instead(folder: Path) -> str:
    """What to do about a folder without weights, by what lies in it."""
    if found := next(folder.glob("snapshots/*/config.json"), None):
        return f"This is a folder of a Hugging Face cache; give the one inside it: {found.parent}"
    if any(folder.glob("*.safetensors")) and (folder / CONFIG).exists():
        return f"Weights in several files need {INDEX}, which says what lies where; fetch it too."
    if any(folder.glob("pytorch_model*.bin")):
        return "Only safetensors are read: save the model again with safe_serialization=True."
    if found := next(folder.glob("*.gguf"), None):
        return f"For the GGUF file in this folder, give its own path: {found}"
    return f"A checkpoint folder holds {CONFIG}, {SINGLE} and {TOKENS}."


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
        files[hf].check(hf)
    known = {hf_name(name) for name in expected}
    for hf in files:
        if hf not in known and not hf.endswith(SPARE):
            what = "is a bias" if hf.endswith(".bias") else "is no part of a Llama decoder"
            raise FlowError(
                f"tensor {hf} {what}, expected none", where=str(files[hf].path),
                hint="It would be left out of the chip; only plain Llama decoders can be hardwired.",
            )  # fmt: skip


def read_config(folder: Path) -> dict[str, Any]:
    """The parsed config.json of a folder, or a FlowError."""
    if not os.path.lexists(folder / CONFIG):
        raise FlowError("no such file", where=str(folder / CONFIG), hint=_instead(folder))
    return json_file(folder / CONFIG)


def load(folder: Path, name: str) -> Checkpoint:
    """Open a folder; see `metal_configs.checkpoint.load`."""
    config = read_config(folder)
    shape = parse_config(config, str(folder / CONFIG))
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

    texts = read_texts(folder, config, shape.vocab)
    return Checkpoint(
        name, shape, folder, read, texts.read_tokenizer, texts.begin, texts.ends, texts.opens,
        formats=tuple(sorted({file.entries[n].dtype for n, file in files.items()})),
        read_rows=read_rows,
        locate=lambda tensor: (files[hf_name(tensor)].path, hf_name(tensor)),
    )  # fmt: skip
