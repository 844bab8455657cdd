"""Codes that the command found before, for the same model, request and code."""

__all__ = ["CODES", "kept_codes"]

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from flow.closure import Sources
from flow.files import atomic_write
from rtl_gen.errors import FlowError
from rtl_gen.golden.quantised import QuantModel
from rtl_gen.untrusted import read_file

CODES, KEY = "quantised.safetensors", "quantised.json"
LARGEST = 1 << 20  # bytes of the key's file
# Modules that codes depend on; what repairs or measures them is not among these.
QUANTISER = ("metal_configs.quantise", "metal_configs.quantise.budget", "metal_configs.quantise.learned")


def kept_codes(
    folder: Path, asked: Mapping[str, object], find: Callable[[], QuantModel], say: Callable[[str], None]
) -> QuantModel:
    """The codes in a folder, if the same request found them; else `find`s and keeps them.

    Learning them takes longer than anything that follows, and what follows may be interrupted.

    Args:
        folder: Where they are kept.
        asked: What they depend on besides the quantiser's own code, as JSON types.
        find: Finds them.
        say: Told if they were kept.
    """
    key = {**asked, "code": Sources().closure(*QUANTISER).digest}
    if (found := _kept(folder, key)) is not None:
        say(f"codes as found before: {folder / CODES}")
        return found
    found = find()
    (folder / KEY).unlink(missing_ok=True)
    found.save(folder / CODES)
    atomic_write(folder / KEY, json.dumps(key | {"codes": found.digest()}, indent=1).encode())
    return found


def _kept(folder: Path, key: Mapping[str, object]) -> QuantModel | None:
    """None for others, or for files that cannot be read or are of two runs."""
    try:
        told = json.loads(read_file(folder / KEY, LARGEST))
        found = QuantModel.load(folder / CODES)
    except (FlowError, ValueError, OSError):
        return None
    return found if told == {**key, "codes": found.digest()} else None
