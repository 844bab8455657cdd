"""Replay: what enters every rom tile in one token, through the tile's RTL with its contents read back.

The golden model says what enters, and each sum that leaves a tile must be the golden one. Tile by tile this
is the whole token, as far as matrices go.
"""

__all__ = ["Plan", "Taken", "TileSimulator", "build_tile_simulator", "die_passes", "replay_die"]

from signoff.replay.passes import Plan, Taken, die_passes
from signoff.replay.run import replay_die
from signoff.replay.simulator import TileSimulator, build_tile_simulator
