"""Stitches a die: everything that is made from its floorplan and its tiles."""

__all__ = ["Stitched", "constraints", "stitch"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from base_chip.bank.layout import write_layout
from base_chip.harden.constraints import die_sdc
from base_chip.pdk import load_pdk
from base_chip.pdk.checks import load_checks
from base_chip.pdk.margin import load_margin
from base_chip.stitch import StitchPlan, faults_of
from base_chip.stitch.layout import stitch_layout
from base_chip.stitch.netlist import die_lef, die_verilog
from rtl_gen.errors import FlowError

_SHOWN = 5


@dataclass(frozen=True)
class Stitched:
    """A stitched die: its floorplan, and the folder of its files."""

    plan: StitchPlan
    folder: Path

    def file(self, suffix: str) -> Path:
        """Such as .gds, .v (without supplies), .lvs.v (with them), .lef, .sdc."""
        return self.folder / f"{self.plan.name}{suffix}"


def stitch(plan: StitchPlan, tiles: Mapping[str, Path], period_ns: float, out: Path) -> Stitched:
    """Write layout, netlists, LEF and constraints of a die.

    Of a die with a tile that is not hardened, which has no straps, the layout lacks the margin, and there is
    no LEF.

    Args:
        plan: The die.
        tiles: Layouts by kind.
        period_ns: Clock period of the constraints.
        out: Folder; made if missing.

    Raises:
        FlowError: Tiles do not meet; where, is in the message.
    """
    pdk = load_pdk(plan.pdk)
    margin = load_margin(pdk)
    if faults := faults_of(plan, margin):
        raise FlowError(_told(faults), where=f"die {plan.name}", hint=f"Run: sc-flow base check {plan.name}")
    out.mkdir(parents=True, exist_ok=True)
    made = Stitched(plan, out)
    hardened = all(tile.view.straps for tile in plan.tiles)
    layout, pins = stitch_layout(plan, tiles, pdk, margin if hardened else None)
    write_layout(layout, made.file(".gds"))
    made.file(".v").write_text(die_verilog(plan))
    made.file(".lvs.v").write_text(die_verilog(plan, supplies=True))
    wires = [join[2] for join in load_checks(pdk).joins]
    if hardened:
        made.file(".lef").write_text(die_lef(plan, pins, wires))
    made.file(".sdc").write_text(constraints(plan, period_ns))
    return made


def constraints(plan: StitchPlan, period_ns: float) -> str:
    """Timing constraints of a die at a clock period."""
    ports = plan.die_ports()
    inputs, outputs = (
        [name for name, (way, _) in ports.items() if way == direction and name != "clk"]
        for direction in ("INPUT", "OUTPUT")
    )
    return die_sdc(plan.name, period_ns, inputs, outputs)


def _told(faults: Sequence[str]) -> str:
    more = [f"{len(faults) - _SHOWN} more"] if len(faults) > _SHOWN else []
    return "; ".join([*faults[:_SHOWN], *more])
