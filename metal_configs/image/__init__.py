"""From integers to ROM rows: weights, factors, tables and the sequencer's program."""

__all__ = ["RomImage", "build_image"]

from metal_configs.image.build import RomImage, build_image
