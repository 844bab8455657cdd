"""PDK files on this machine: the installable kit, other providers, and the Magic tech adapter."""

__all__ = [
    "PdkFiles",
    "find_pdk",
    "install_kit",
    "installed_root",
    "kit_root",
    "tech_for_magic",
    "verify_kit",
]

from flow.pdk.kit import install_kit, installed_root, kit_root, verify_kit
from flow.pdk.magic_tech import tech_for_magic
from flow.pdk.providers import PdkFiles, find_pdk
