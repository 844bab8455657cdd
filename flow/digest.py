"""The digest of a checkpoint or an adapter, by which steps know it again."""

__all__ = ["content_digest"]

from pathlib import Path

from flow.files import sha256_bytes, sha256_file
from metal_configs.checkpoint.gguf_header import parts_of
from rtl_gen.errors import FlowError


def content_digest(path: Path) -> str:
    """SHA-256 over a model's files.

    Raises:
        FlowError: One cannot be read.
    """
    try:
        files = _beside(path) if path.is_file() else sorted(p for p in path.iterdir() if p.is_file())
        lines = [f"{p.name} {sha256_file(p)}" for p in files if p.suffix not in (".py", ".pyc")]
    except OSError as e:
        raise FlowError(f"cannot read the model ({e.strerror})", where=str(e.filename or path)) from e
    return sha256_bytes("\n".join(lines).encode())


def _beside(path: Path) -> list[Path]:
    """A checkpoint of one file, and what is read from the folder that it lies in."""
    names = ("calibration.txt", "heldout.txt", "tok*.bin")
    parts = parts_of(path)
    beside = {p for name in names for p in path.parent.glob(name)} - set(parts)
    return [p for p in (*parts, *sorted(beside)) if p.is_file()]
