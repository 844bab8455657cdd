"""The files of a PDK on this machine, as steps get them."""

__all__ = ["PdkFiles"]

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from flow.files import sha256_bytes
from rtl_gen.errors import ExitCode, FlowError


@dataclass(frozen=True)
class PdkFiles:
    """The files of one PDK on this machine.

    Attributes:
        files: Path by role; the roles are those of `kit.files` in the PDK's facts.
        sources: Who provides each role: "PDK_ROOT", "lambdapdk" or "kit".
        liberty: Liberty file by corner, such as "tt_025C_1v80"; empty when there is none.
        extraction: OpenRCX rules by corner (minimum, typical, maximum); empty when there are none.
        digests: SHA-256 of the content by role; of liberty files under "liberty", rules under "extraction".
    """

    name: str
    files: Mapping[str, Path]
    sources: Mapping[str, str]
    liberty: Mapping[str, Path]
    extraction: Mapping[str, Path]
    digests: Mapping[str, str]

    def only(self, roles: Collection[str]) -> "PdkFiles":
        """What a step gets that names these roles, and whose key holds no others."""
        groups = {n: getattr(self, n) if n in roles else {} for n in ("liberty", "extraction")}
        return replace(self, files={r: p for r, p in self.files.items() if r in roles}, **groups)

    def path(self, role: str) -> Path:
        """The file of a role; FlowError when nobody provides it, or it is not among those of the step."""
        if role in self.sources and role not in self.files:
            raise FlowError(
                f"the step reads the {role} file of the PDK, which its key does not cover",
                where=f"PDK {self.name}",
                hint="Name it among the step's roles (docs/flow.md, Adding a step).",
            )
        if role not in self.files:
            raise FlowError(
                f"no {role} file: neither PDK_ROOT nor lambdapdk has it, and the kit is not installed",
                where=f"PDK {self.name}",
                hint=f"Run: sc-flow pdk install {self.name}",
                code=ExitCode.MISSING_TOOL,
            )
        return self.files[role]

    @property
    def digest(self) -> str:
        """SHA-256 over the content of everything."""
        return sha256_bytes(repr(sorted(self.digests.items())).encode())

    @property
    def provider(self) -> str:
        """All providers in use, such as "PDK_ROOT + kit"."""
        return " + ".join(sorted(set(self.sources.values()))) or "none"
