"""Checkpoints in: one reader a format, one `Checkpoint` for everything behind it.

A reader is a sibling module with `accepts(path) -> bool` and `load(path, name) -> Checkpoint`, listed in
`READERS`.
"""

__all__ = ["Checkpoint", "load"]

import contextlib
from pathlib import Path

from metal_configs.checkpoint import gguf_file, huggingface, llama2c
from metal_configs.checkpoint.checkpoint import Checkpoint
from metal_configs.checkpoint.stand_in import START, refuse_stand_in
from rtl_gen.errors import FlowError

READERS = (huggingface, gguf_file, llama2c)


def load(path: Path | str, name: str | None = None) -> Checkpoint:
    """Open a checkpoint: check its config and the presence and shape of every tensor, read no weights yet.

    Args:
        path: A Hugging Face folder (config.json and safetensors), a GGUF file, or a llama2.c file (.bin).
        name: What to call the model; the folder's name by default.

    Raises:
        FlowError: Something is missing, damaged or unsupported; the message names file, tensor, what was
            found and what was expected.
    """
    path = Path(path)
    try:
        if not path.exists():
            raise FlowError("no such checkpoint", where=str(path))
    except (OSError, ValueError) as e:
        raise FlowError(f"cannot look at it ({e})", where=str(path)) from e
    if path.is_file():
        with contextlib.suppress(OSError), path.open("rb") as f:
            refuse_stand_in(f.read(START), str(path))
    for reader in READERS:
        if reader.accepts(path):
            return reader.load(path, name or path.resolve().name)
    raise FlowError(
        "not a checkpoint of a known format", where=str(path),
        hint="Give the folder of a Hugging Face model (config.json, model.safetensors, tokenizer.json), "
        "a GGUF file, or a file of llama2.c that ends in .bin.",
    )  # fmt: skip
