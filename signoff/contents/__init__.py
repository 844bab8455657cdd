"""What a chip's ROM means: program, weights, factors and tables, taken apart bit by bit.

Nothing here is shared with what writes a ROM (`metal_configs.image`): places of numbers in a row are stated
anew, and where things lie is learned from the program itself, as the chip does.
"""

__all__ = ["check_contents"]

from signoff.contents.check import check_contents
