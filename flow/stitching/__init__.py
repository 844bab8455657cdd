"""Dies by abutment: hardened tiles to a stitched die, and the checks of its seams."""
