"""Finds each file of a PDK: an installed PDK first, then lambdapdk, then the kit."""

__all__ = ["find_pdk"]

import importlib.util
import os
from pathlib import Path

from base_chip.pdk import Pdk
from flow.files import sha256_bytes, sha256_file
from flow.pdk.files import PdkFiles
from flow.pdk.kit import MANIFEST, installed_root, kit_root, verify_kit
from rtl_gen.errors import FlowError
from rtl_gen.untrusted import checked_file

# Role -> path in an open_pdks folder. Its cells lie merged in one file a view, so `cells` (one folder a
# cell) always comes from the kit.
_OPEN_PDKS = {
    "klayout_drc": "libs.tech/klayout/drc/{v}_mr.drc",
    "klayout_density": "libs.tech/klayout/drc/met_min_ca_density.lydrc",
    "klayout_zeroarea": "libs.tech/klayout/drc/zeroarea.rb.drc",
    "magic_tech": "libs.tech/magic/{v}.tech",
    "netgen_setup": "libs.tech/netgen/{v}_setup.tcl",
}
_LAMBDAPDK = {
    "magic_tech": "base/setup/magic/{v}.tech",
    "netgen_setup": "base/setup/netgen/lvs_setup.tcl",
}


def find_pdk(pdk: Pdk, *, need_all: bool = True) -> PdkFiles:
    """Resolve every role of a PDK.

    Args:
        pdk: The PDK.
        need_all: Raise FlowError when a role has no file.

    Raises:
        FlowError: When the kit is damaged, or is needed and not installed.
    """
    files: dict[str, Path] = {}
    sources: dict[str, str] = {}
    for provider, root, table in (
        ("PDK_ROOT", _pdk_root(pdk), _OPEN_PDKS),
        ("lambdapdk", _lambdapdk(pdk), _LAMBDAPDK),
        ("kit", _sound_kit(pdk), pdk.kit.files),
    ):
        if root is None:
            continue
        for role, name in table.items():
            path = root / name.format(v=_variant(pdk))
            if role not in files and path.exists():
                if not path.is_dir():
                    checked_file(path)
                files[role], sources[role] = path, provider
    liberty = _liberty(pdk)
    digests = {role: sha256_file(path) for role, path in files.items() if path.is_file()}
    if any(path.is_dir() for path in files.values()):
        # Folders come from the kit alone, whose manifest holds the hash of each of its files.
        kit = sha256_file(kit_root(pdk) / MANIFEST)
        digests |= {role: kit for role, path in files.items() if path.is_dir()}
    extraction = _extraction(pdk)
    for name, group in (("liberty", liberty), ("extraction", extraction)):
        if group:
            hashes = [f"{corner} {sha256_file(path)}" for corner, path in sorted(group.items())]
            digests[name] = sha256_bytes("\n".join(hashes).encode())
    found = PdkFiles(pdk.name, files, sources, liberty, extraction, digests)
    if need_all:
        for role in pdk.kit.files:
            found.path(role)
    return found


def _sound_kit(pdk: Pdk) -> Path | None:
    kit = installed_root(pdk)
    if kit and (damage := verify_kit(pdk)):
        more = f" (and {len(damage) - 1} more)" if damage[1:] else ""
        raise FlowError(
            f"damaged kit: {damage[0].path}: {damage[0].fault}{more}",
            where=str(kit),
            hint=f"Run: sc-flow pdk install {pdk.name} (it replaces a damaged kit).",
        )
    return kit


def _variant(pdk: Pdk) -> str:
    """The name that tools give the process, such as sky130A."""
    return Path(pdk.kit.files["magic_tech"]).stem


def _library(pdk: Pdk) -> str:
    """The standard-cell library, such as sky130_fd_sc_hd."""
    return Path(pdk.kit.files["cells"]).parent.name


def _pdk_root(pdk: Pdk) -> Path | None:
    if not (value := os.environ.get("PDK_ROOT")):
        return None
    root = Path(value) / _variant(pdk)
    return root if (root / "libs.tech").is_dir() else None


def _lambdapdk(pdk: Pdk) -> Path | None:
    """lambdapdk's data where they already are: in a checkout, or in SiliconCompiler's own cache.

    They are never downloaded here: a build uses no network.
    """
    spec = importlib.util.find_spec("lambdapdk")
    places = [Path(p) for p in (spec.submodule_search_locations or ())] if spec else []
    places += sorted((Path.home() / ".sc" / "cache").glob("lambdapdk-*/lambdapdk"), reverse=True)
    for place in places:
        if (place / pdk.name / "base" / "setup").is_dir():
            return place / pdk.name
    return None


def _liberty(pdk: Pdk) -> dict[str, Path]:
    library = _library(pdk)
    told = os.environ.get("SCF_LIBERTY_DIR")
    places = [Path(told)] if told else []
    if root := _pdk_root(pdk):
        places.append(root / "libs.ref" / library / "lib")
    if root := _lambdapdk(pdk):
        places.append(root / "libs" / f"{pdk.name}{library.rpartition('_')[2]}" / "nldm")
    for place in places:
        found = {p.name.partition("__")[2].partition(".lib")[0]: p for p in place.glob(f"{library}__*.lib*")}
        if found:
            return dict(sorted(found.items()))
        if told and place == Path(told):
            raise FlowError(
                f"no {library}__<corner>.lib or .lib.gz there",
                where=f"SCF_LIBERTY_DIR={told}",
                hint="Point it at a folder of liberty files, or unset it.",
            )
    return {}


def _extraction(pdk: Pdk) -> dict[str, Path]:
    places = [Path(told)] if (told := os.environ.get("SCF_LIBERTY_DIR")) else []
    if root := _lambdapdk(pdk):
        places.append(root / "base" / "pex" / "openroad")
    for place in places:
        if found := {p.stem: p for p in place.glob("*.rules")}:
            return dict(sorted(found.items()))
    return {}
