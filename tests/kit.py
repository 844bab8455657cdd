"""The installed kit, for tests that run design rules and LVS.

The PDK files come from the folder that SCF_KIT names (a kit as `base_chip/pdk/sky130/facts.yaml` lays it
out), else from what `sc-flow pdk install` left.
"""

__all__ = ["Kit", "find_kit", "needs"]

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from base_chip.pdk import load_pdk
from flow.pdk.magic_tech import tech_for_magic
from flow.pdk.providers import find_pdk
from rtl_gen.errors import FlowError
from signoff.eda import MAGIC

PDK = load_pdk("sky130")


@dataclass(frozen=True)
class Kit:
    deck: Path
    density: Path
    zero_area: Path
    tech: Path
    setup: Path


def needs(*exes: str) -> pytest.MarkDecorator:
    absent = [exe for exe in exes if shutil.which(exe) is None]
    return pytest.mark.skipif(bool(absent), reason=f"not on PATH: {', '.join(absent)}")


def find_kit() -> Kit:
    """Skips the test if there is no kit."""
    if root := os.environ.get("SCF_KIT"):
        files = {role: Path(root) / path for role, path in PDK.kit.files.items()}
    else:
        try:
            files = dict(find_pdk(PDK).files)
        except FlowError as e:
            pytest.skip(f"no PDK files: {e}")
    tech = tech_for_magic(files["magic_tech"], MAGIC.version() or "8.3.411")
    decks = (files[f"klayout_{name}"] for name in ("drc", "density", "zeroarea"))
    return Kit(*decks, tech=tech, setup=files["netgen_setup"])
