"""Checkpoints in: one reader a format, one `Checkpoint` for everything behind it.

A reader is a sibling module with `accepts(path) -> bool` and `load(path, name) -> Checkpoint`, listed in
`READERS`.
"""

__all__ = ["Checkpoint", "load", "path_name"]

import contextlib
import os
import re
from pathlib import Path

from metal_configs.checkpoint import gguf_file, huggingface, llama2c
from metal_configs.checkpoint.checkpoint import Checkpoint
from metal_configs.checkpoint.stand_in import START, refuse_stand_in
from rtl_gen.errors import FlowError
from rtl_gen.untrusted import checked_file

READERS = (huggingface, gguf_file, llama2c)
BESIDE = ("calibration.txt", "heldout.txt", "tok*")  # what is read beside a checkpoint of one file
WITH = ("*.json", "*.safetensors", "*.model", *BESIDE)  # and in the folder of one


def path_name(path: Path) -> str:
    """What a checkpoint is called by where it lies.

    The name of the file without what says its format, or that of the folder; in a cache of Hugging Face,
    where folders have hashes for names, that of the repository.
    """
    path = Path(os.path.abspath(path))  # links stay, for they may have better names; ".." goes
    if path.name == "config.json":
        path = path.parent
    name, kept = path.name, path.parent.parent.name
    if path.parent.name == "snapshots" and kept.startswith("models--"):
        name = kept.rpartition("--")[2]
    if not path.is_dir():
        name = re.sub(r"(-\d{5}-of-\d{5})?\.(gguf|bin|safetensors)$", "", name)
    return name or "model"


def load(path: Path | str, name: str | None = None) -> Checkpoint:
    """Open a checkpoint: check its config and the presence and shape of every tensor, read no weights yet.

    Args:
        path: A Hugging Face folder (config.json and safetensors), a GGUF file, or a llama2.c file (.bin).
        name: What to call the model; by default by where it lies.

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
    _refuse_special(path)
    if path.is_file():
        with contextlib.suppress(OSError), path.open("rb") as f:
            refuse_stand_in(f.read(START), str(path))
    for reader in READERS:
        if reader.accepts(path):
            opened: Checkpoint = reader.load(path, name or path_name(path))
            return opened
    raise FlowError(
        "not a checkpoint of a known format", where=str(path),
        hint="Give the folder of a Hugging Face model (config.json, model.safetensors, tokenizer.json), "
        "a GGUF file, or a file of llama2.c that ends in .bin.",
    )  # fmt: skip


def _refuse_special(path: Path) -> None:
    """Raise FlowError when the checkpoint, or a file that is read with it, is a pipe, device or socket."""
    if not path.is_dir():
        checked_file(path)
    folder, names = (path, WITH) if path.is_dir() else (path.parent, BESIDE)
    for p in sorted({p for name in names for p in folder.glob(name)}):
        if p.exists() and not p.is_dir():
            checked_file(p)
