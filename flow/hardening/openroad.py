"""Whether the OpenROAD on PATH is one that hardening works with."""

__all__ = ["MINIMUM", "need_openroad"]

import shutil

from packaging.version import InvalidVersion, Version
from siliconcompiler.tools.openroad import OpenROADTask

from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.tools import TOOLS, require

# What SiliconCompiler's OpenROAD tasks ask for; it would say no more than that a requirement is not met.
MINIMUM = "24Q3-2011"


def need_openroad() -> str:
    """The version of the OpenROAD on PATH, such as 26Q3-1551-g5c9e487120.

    Raises:
        FlowError: There is none, its version cannot be read, or it is older than `MINIMUM` (MISSING_TOOL).
    """
    found = require("openroad")
    number = _number(found)
    if number is None:
        raise _refused(f"the version of openroad cannot be read: it says {found!r}")
    if number < Version(OpenROADTask().normalize_version(MINIMUM)):
        raise _refused(f"openroad {found} is too old")
    return found


def _number(version: str) -> Version | None:
    """A version in SiliconCompiler's order; None for one that has no place in it, as the hash of a commit."""
    try:
        number = Version(OpenROADTask().normalize_version(version))
    except (ValueError, InvalidVersion):
        return None
    return number if number.release[0] else None


def _refused(what: str) -> FlowError:
    tool = TOOLS["openroad"]
    return FlowError(
        f"{what}; hardening takes {MINIMUM} or newer",
        where=shutil.which(tool.exe) or tool.exe,
        hint=tool.way_on,
        code=ExitCode.MISSING_TOOL,
    )
