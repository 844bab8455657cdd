"""PDK files on this machine: the installable kit, other providers, and the Magic tech adapter."""

__all__ = ["PdkFiles", "find_pdk", "install", "installed_root", "kit_root", "magic_tech", "verify"]

from flow.pdk.install import install, installed_root, kit_root, verify
from flow.pdk.magic_tech import magic_tech
from flow.pdk.providers import PdkFiles, find_pdk
