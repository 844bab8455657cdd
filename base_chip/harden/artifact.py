"""The hardened artifact of a block: what place and route left, compressed, with a manifest that binds it."""

__all__ = ["FILES", "MAPPED", "Bindings", "HardenedTile"]

import hashlib
import json
import lzma
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from importlib.resources import files
from pathlib import Path
from typing import Any

from base_chip.harden.block import Block
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.untrusted import read_file, sha256_name

FORMAT = 1
LARGEST_MANIFEST = 1 << 20  # bytes
LARGEST_FILE = 1 << 30
CORNERS = ("slow", "typical", "fast")
# What a hardened tile consists of: `mapped.v` is what synthesis gave to place and route, `netlist.v` what
# came of it, `lvs.v` the same with supplies. All is compressed with xz; names are those of the plain files.
FILES = (
    "mapped.v",
    "layout.def",
    "netlist.v",
    "lvs.v",
    "constraints.sdc",
    "reports.json",
    *(f"delays.{c}.sdf" for c in CORNERS),
    *(f"timing.{c}.lib" for c in CORNERS),
)
# And of one that is not placed and routed yet.
MAPPED = ("mapped.v",)


@dataclass(frozen=True)
class Bindings:
    """SHA-256 of what a hardened tile was made from.

    Attributes:
        rtl: The block's Verilog.
        config: The file that describes it.
        bank: LEF and liberty of its macros.
        cells: LEF of the standard cells.
    """

    rtl: str
    config: str
    bank: str
    cells: str

    @classmethod
    def now(cls, block: Block, rtl: str, cells: str) -> "Bindings":
        """As things are; `rtl` is the block's Verilog, `cells` the LEF of the standard cells."""
        bank = "".join(m.lef + "".join(m.liberty.values()) for m in block.memories)
        rtl_hash, bank_hash, cell_hash = (_sha256(text.encode()) for text in (rtl, bank, cells))
        return cls(rtl_hash, block.digest, bank_hash, cell_hash)


@dataclass(frozen=True)
class HardenedTile:
    """A hardened tile in a folder.

    Attributes:
        made_from: What it was made from.
        tools: Version by tool.
        pdk: Provider and digest of the liberty and extraction rules used.
        sums: SHA-256 of each plain file.
    """

    folder: Path
    made_from: Bindings
    tools: Mapping[str, str]
    pdk: Mapping[str, str]
    sums: Mapping[str, str]

    @property
    def routed(self) -> bool:
        """Whether it is placed and routed, or its logic mapped to cells alone."""
        return set(self.sums) == set(FILES)

    @staticmethod
    def home(kind: str) -> Path:
        """Where the artifact of a tile is kept."""
        return Path(str(files("base_chip.hardened").joinpath(kind)))

    @classmethod
    def ships(cls, kind: str) -> bool:
        """Whether there is one there, routed or of mapped logic alone."""
        return (cls.home(kind) / "manifest.json").is_file()

    @classmethod
    def write(
        cls,
        folder: Path,
        products: Mapping[str, bytes],
        made_from: Bindings,
        tools: Mapping[str, str],
        pdk: Mapping[str, str],
    ) -> "HardenedTile":
        """Write the artifact; the same products give the same bytes.

        Args:
            folder: Where to; made if missing.
            products: Content of each file of `FILES`, or of `MAPPED`.
            made_from, tools, pdk: As the attributes.
        """
        if set(products) not in (set(FILES), set(MAPPED)):
            raise ValueError(f"products are {sorted(products)}, expected {sorted(FILES)}")
        folder.mkdir(parents=True, exist_ok=True)
        for name in set(FILES) - set(products):
            (folder / f"{name}.xz").unlink(missing_ok=True)
        sums = {}
        for name, content in sorted(products.items()):
            sums[name] = _sha256(content)
            packed = lzma.compress(content, preset=9 | lzma.PRESET_EXTREME)
            (folder / f"{name}.xz").write_bytes(packed)
        told = {
            "format": FORMAT,
            "made_from": asdict(made_from),
            "tools": dict(tools),
            "pdk": dict(pdk),
            "files": sums,
        }
        (folder / "manifest.json").write_text(json.dumps(told, indent=1, sort_keys=True) + "\n")
        return cls(folder, made_from, tools, pdk, sums)

    @classmethod
    def read(cls, folder: Path, kind: str) -> "HardenedTile":
        """The artifact in a folder.

        Raises:
            FlowError: There is none, or its manifest is damaged.
        """
        try:
            if not (folder / "manifest.json").exists():
                raise FileNotFoundError
            told: dict[str, Any] = json.loads(read_file(folder / "manifest.json", LARGEST_MANIFEST))
            if told["format"] != FORMAT:
                raise ValueError(f"format {told['format']}, expected {FORMAT}")
            if set(told["files"]) not in (set(FILES), set(MAPPED)):
                raise ValueError(f"it lists {sorted(told['files'])}")
            for digest in told["files"].values():
                sha256_name(digest, "manifest.json")
            for name in ("tools", "pdk"):
                if not all(isinstance(x, str) for pair in told[name].items() for x in pair):
                    raise ValueError(f"{name} is {told[name]!r:.80}")
            return cls(folder, Bindings(**told["made_from"]), told["tools"], told["pdk"], told["files"])
        except FileNotFoundError as e:
            raise FlowError(
                f"tile {kind} has no hardened artifact",
                where=str(folder),
                hint=_again(kind),
                code=ExitCode.MISSING_TOOL,
            ) from e
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, FlowError) as e:
            raise FlowError(
                f"the manifest of the hardened tile is damaged ({e})", where=str(folder), hint=_again(kind)
            ) from e

    def check(self, block: Block, now: Bindings) -> None:
        """Raise FlowError when the block has changed since it was hardened, naming what has."""
        words = {
            "rtl": "its RTL",
            "config": block.source,
            "bank": f"the macro {' or '.join(m.name for m in block.memories)}",
            "cells": "the standard cells",
        }
        changed = [
            words[f.name] for f in fields(now) if getattr(now, f.name) != getattr(self.made_from, f.name)
        ]
        if changed:
            raise FlowError(
                f"{block.kind} {block.name} has changed since it was hardened: {', '.join(changed)}",
                where=str(self.folder),
                hint=_again(block.name),
            )

    def content(self, name: str) -> bytes:
        """A file of `FILES`, uncompressed.

        Raises:
            FlowError: It is missing, damaged, or not the one that the manifest names.
        """
        path = self.folder / f"{name}.xz"
        try:
            unpacker = lzma.LZMADecompressor(memlimit=1 << 28)
            content = unpacker.decompress(read_file(path, LARGEST_FILE), LARGEST_FILE)
            if not unpacker.eof:
                raise EOFError(f"it ends too early, or unpacks to more than {LARGEST_FILE} bytes")
        except (OSError, EOFError, lzma.LZMAError, FlowError) as e:
            raise FlowError(
                f"a file of the hardened tile is damaged or missing ({e})", where=str(path), hint=_restore()
            ) from e
        if _sha256(content) != self.sums[name]:
            raise FlowError(
                "this file of the hardened tile was edited: it is not the one its manifest names",
                where=str(path),
                hint=_restore(),
            )
        return content


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _again(kind: str) -> str:
    return f"On a machine with OpenROAD run: sc-flow base build {kind}"


def _restore() -> str:
    return "Restore it from the package or the repository; what is signed off is what was placed and routed."
