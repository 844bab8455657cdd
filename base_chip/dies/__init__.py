"""Dies of tiles: floorplans in YAML, and where each ROM macro of them stands."""

__all__ = ["STATUS", "Floorplan", "die_file", "known_dies", "load_die", "parse_die"]

from base_chip.dies.config import die_file, known_dies, load_die, parse_die
from base_chip.dies.floorplan import STATUS, Floorplan
