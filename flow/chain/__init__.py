"""Models on chains of dies of tiles: what is asked for, and each die built and checked by itself."""
