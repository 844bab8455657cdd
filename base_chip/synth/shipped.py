"""The netlist that is kept in the repository, so that a machine without liberty can build."""

__all__ = ["ShippedNetlist"]

import hashlib
import json
import lzma
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path

from base_chip.synth.mapping import SCRIPT, Netlist
from rtl_gen.errors import FlowError


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class ShippedNetlist:
    """A netlist and what it was made from.

    Attributes:
        rtl_sha256: Of the RTL's text.
        script_sha256: Of the synthesis script.
        yosys: Version of pyosys.
        liberty: Name and SHA-256 of the liberty file.
    """

    netlist: Netlist
    rtl_sha256: str
    script_sha256: str
    yosys: str
    liberty: str

    @classmethod
    def of(cls, netlist: Netlist, rtl: str, yosys: str, liberty: Path) -> "ShippedNetlist":
        digest = hashlib.sha256(liberty.read_bytes()).hexdigest()
        return cls(netlist, _sha256(rtl), _sha256(SCRIPT), yosys, f"{liberty.name} {digest}")

    def matches(self, rtl: str) -> bool:
        """Whether the netlist was made from this RTL."""
        return self.rtl_sha256 == _sha256(rtl)

    def write(self, folder: Path) -> None:
        """Write netlist.v.xz and netlist.json; the same netlist gives the same bytes."""
        folder.mkdir(parents=True, exist_ok=True)
        packed = lzma.compress(self.netlist.verilog.encode(), preset=9 | lzma.PRESET_EXTREME)
        (folder / "netlist.v.xz").write_bytes(packed)
        manifest = {k: v for k, v in asdict(self).items() if k != "netlist"}
        manifest |= {
            "area_um2": self.netlist.area_um2,
            "cells": self.netlist.cells,
            "netlist_sha256": _sha256(self.netlist.verilog),
        }
        (folder / "netlist.json").write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n")

    @classmethod
    def load(cls, base: str, rtl: str) -> "ShippedNetlist":
        """The netlist shipped for a base, checked against its manifest and the RTL.

        Raises:
            FlowError: There is none, it is damaged, or the RTL has changed since.
        """
        return cls.read(cls.folder(base), base, rtl)

    @staticmethod
    def folder(base: str) -> Path:
        """Where the netlist of a base is kept."""
        return Path(str(files("base_chip").joinpath("netlists", base)))

    @classmethod
    def read(cls, folder: Path, base: str, rtl: str) -> "ShippedNetlist":
        """As `load`, from a folder."""
        hint = (
            "Give liberty to synthesise anew: set PDK_ROOT to an installed sky130A, install lambdapdk, "
            "or set SCF_LIBERTY_DIR."
        )
        try:
            manifest = json.loads((folder / "netlist.json").read_text())
            verilog = lzma.decompress((folder / "netlist.v.xz").read_bytes()).decode()
            shipped = cls(
                Netlist(verilog, manifest["cells"], manifest["area_um2"]),
                *(manifest[k] for k in ("rtl_sha256", "script_sha256", "yosys", "liberty")),
            )
        except FileNotFoundError as e:
            raise FlowError(f"no netlist is shipped for base {base}", where=str(folder), hint=hint) from e
        except (OSError, EOFError, lzma.LZMAError, ValueError, KeyError) as e:
            raise FlowError(f"the shipped netlist is damaged ({e})", where=str(folder), hint=hint) from e
        if manifest["netlist_sha256"] != _sha256(verilog):
            raise FlowError(
                "the shipped netlist is not the one its manifest names", where=str(folder), hint=hint
            )
        if not shipped.matches(rtl):
            raise FlowError(
                f"the RTL of base {base} has changed since its netlist was made", where=str(folder), hint=hint
            )
        return shipped
