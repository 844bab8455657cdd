"""The floorplan of a die of tiles: what every step of the base begins with."""

__all__ = ["FloorplanTask"]

from flow.tasks.step import Job, Result, StepTask
from signoff.result import CheckResult


class FloorplanTask(StepTask):
    """Tiles, pins and straps meet at every seam, as far as tiles are there; its control moves a tile."""

    step_name = "base"
    config = ("base",)
    is_check = True

    def work(self, job: Job) -> Result:
        from dataclasses import replace

        from base_chip.dies import load_die
        from base_chip.pdk import load_pdk
        from base_chip.pdk.margin import load_margin
        from base_chip.stitch import faults_of, place_tiles
        from flow.stitching.check import check_die
        from flow.stitching.tiles import views

        die = load_die(job.config.base)
        (job.out / "floorplan.txt").write_text(die.digest() + "\n")
        known = views(die.tiles)
        found = check_die(die, known)
        plan = place_tiles(die, known)
        first, *others = plan.tiles
        x, y = first.at
        moved = replace(plan, tiles=(replace(first, at=(x + 5, y)), *others))
        missed = int(not faults_of(moved, load_margin(load_pdk(die.pdk))))
        rows = [
            _row("floorplan", len(found.faults), "; ".join(found.faults[:5]), found.looked_at),
            _row("floorplan_control", missed, "a tile moved by 5 nm was not found", "a moved tile was found"),
        ]
        if found.unseen:
            why = "; ".join(found.unseen)
            rows.append(CheckResult.not_run("floorplan_straps", why, "sc-flow"))
        width, height = die.die
        return Result(
            rows, {"die_mm2": width * height / 1e6}, note=f"{width:g} x {height:g} um, {found.looked_at}"
        )


def _row(name: str, count: int, fault: str, detail: str) -> CheckResult:
    status = "fail" if count else "pass"
    return CheckResult(name, "sc-flow", "", count, 0, status, fault if count else "", detail)
