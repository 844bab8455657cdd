"""What place and route of a tile starts from and leaves: constraints, scripts, the hardened artifact."""

__all__ = ["harden_file"]

from importlib.resources import files
from pathlib import Path


def harden_file(name: str) -> Path:
    """A file of this package, such as clock_tree.tcl."""
    return Path(str(files(__name__).joinpath(name)))
