"""What this machine has, what each missing thing disables, and the command that mends it."""

__all__ = ["Row", "examine", "missing"]

from dataclasses import dataclass

from base_chip.pdk import Pdk
from flow.pdk.kit import installed_root
from flow.pdk.providers import find_pdk
from rtl_gen.errors import FlowError
from rtl_gen.tools import TOOLS, version


@dataclass(frozen=True)
class Row:
    """One tool or group of files.

    Attributes:
        found: Version or provider; empty when missing or damaged.
        required: Whether `sc-flow build` cannot show everything green without it.
        used_for: What does not run without it.
        fix: The exact command, or what to set.
    """

    name: str
    found: str
    required: bool
    used_for: str
    fix: str


def examine(pdk: Pdk) -> list[Row]:
    """Look at every tool and at the files of one PDK."""
    rows = [Row(t.name, version(t.name) or "", t.required, t.used_for, t.fix) for t in TOOLS.values()]
    return rows + _pdk_rows(pdk)


def missing(rows: list[Row]) -> list[Row]:
    """The required ones that are not there."""
    return [r for r in rows if r.required and not r.found]


def _pdk_rows(pdk: Pdk) -> list[Row]:
    name = f"{pdk.name} files"
    fix = f"sc-flow pdk install {pdk.name}"
    try:
        found = find_pdk(pdk, need_all=False)
    except FlowError as e:
        return [Row(name, "", True, f"DRC, LVS, simulation ({e.what})", fix)]
    lacking = [role for role in pdk.kit.files if role not in found.files]
    rows = []
    if lacking:
        state = "kit not installed" if not installed_root(pdk) else f"no {', '.join(lacking)}"
        rows.append(Row(name, "", True, f"DRC, LVS, simulation ({state})", fix))
    else:
        rows.append(Row(name, found.provider, True, "DRC, LVS, simulation", fix))
    corners = ", ".join(found.liberty)
    use = "hardening a base (a build uses what ships)"
    return [*rows, Row(f"{pdk.name} liberty", corners, False, use, "set PDK_ROOT or SCF_LIBERTY_DIR")]
