"""Static timing of the routed base in three corners, at the clock that each is signed off for."""

__all__ = ["StaTask", "corners"]

from pathlib import Path
from typing import TYPE_CHECKING

from flow.tasks.step import Job, Result, StepTask

if TYPE_CHECKING:
    from signoff.sta import Corner


class StaTask(StepTask):
    """Its controls: a slow path, a late clock, a cell without delays, a late word line, a late PRE_N."""

    step_name = "sta"
    needs = ("harden",)
    config = ("base", "pdk")
    tools = ("sta",)
    roles = ("cells",)
    is_check = True
    routed = True

    def work(self, job: Job) -> Result:
        from base_chip.bank import BankSpec
        from base_chip.config import load_base
        from base_chip.harden.constraints import SETUP_UNCERTAINTY
        from signoff.sta import Banks, run

        base = load_base(job.config.base)
        bank = BankSpec.of(base.rom, base.pdk).name
        checks, metrics = run(
            job.inputs["harden"] / "netlist.v",
            job.pdk.path("cells"),
            corners(job.config.base, job.inputs["harden"], job.scratch),
            Banks(bank, SETUP_UNCERTAINTY),
            job.scratch / "sta",
        )
        note = ""
        if all(c.status == "pass" for c in checks):
            slacks = [f"{n.split('_')[1]} {v:.2f}" for n, v in metrics.items() if n.endswith("_setup_ns")]
            note = f"ns to spare: {', '.join(slacks)}"
        return Result(checks, metrics, note=note)


def corners(base: str, hardened: Path, scratch: Path) -> "list[Corner]":
    """The corners that a base is signed off in, slowest first.

    Args:
        base: Its name.
        hardened: Folder with the hardened base's files.
        scratch: Where liberty of the bank is written.
    """
    from base_chip.bank import BankSpec
    from base_chip.bank.liberty import bank_liberty
    from base_chip.bank.timing import load_timing
    from base_chip.config import load_base
    from base_chip.harden.constraints import sdc
    from base_chip.pdk import load_pdk
    from base_chip.pdk.place_route import load_place_route
    from signoff.sta import Corner

    config = load_base(base)
    spec = BankSpec.of(config.rom, config.pdk)
    timing = load_timing(spec)
    out = []
    for name, corner in load_place_route(load_pdk(config.pdk)).corners.items():
        liberty = scratch / f"{spec.name}__{corner.liberty}.lib"
        liberty.write_text(bank_liberty(spec, corner.liberty, timing))
        period = config.hardening.signoff_ns[name]
        charge = timing.corners[corner.liberty].precharge_ns
        sdf = hardened / f"delays.{name}.sdf"
        out.append(Corner(name, sdf, sdc(config, period), period, liberty, charge))
    return out
