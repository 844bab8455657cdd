"""Dies by abutment: tiles that touch become a layout, a netlist, a LEF and constraints, without a router."""

__all__ = ["StitchPlan", "TileView", "drawn_view", "faults_of", "place_tiles", "plan_rows", "read_view"]

from base_chip.stitch.check import faults_of
from base_chip.stitch.plan import StitchPlan, place_tiles, plan_rows
from base_chip.stitch.view import TileView, drawn_view, read_view
