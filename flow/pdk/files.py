"""The files of a PDK on this machine, as steps get them."""

__all__ = ["PdkFiles"]

from collections.abc import Mapping
from dataclasses import dataclass
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

    def path(self, role: str) -> Path:
        """The file of a role; FlowError when nobody provides it."""
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
