"""The metal config: one model's vias as an OASIS file, and the manifest that says what they are."""

__all__ = [
    "Written",
    "image_sha256",
    "make_manifest",
    "read_manifest",
    "write_banks",
    "write_manifest",
    "write_metal",
]

from metal_configs.writer.manifest import image_sha256, make_manifest, read_manifest, write_manifest
from metal_configs.writer.metal import Written, write_banks, write_metal
