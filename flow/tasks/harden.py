"""The hardened base: what place and route left, unpacked, if it still fits RTL, config, bank and cells."""

__all__ = ["HardenTask"]

import json
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping

from flow.tasks.step import Job, Result, StepTask

# Metric: what SiliconCompiler calls it; `drvs` are pins beyond a limit on transition, load or fan-out
_REPORTED = {
    "router_violations": "drcs",
    "drv_violations": "drvs",
    "wire_length_um": "wirelength",
    "routed_vias": "vias",
}


class HardenTask(StepTask):
    """Runs no tool: `sc-flow base build` places and routes, once for a base, and the result ships."""

    step_name = "harden"
    needs = ("rtl",)
    config = ("base", "pdk")
    roles = ("cells",)

    def work(self, job: Job) -> Result:
        from base_chip.config import load_base
        from base_chip.harden.artifact import Bindings, HardenedBase
        from base_chip.harden.block import base_block
        from base_chip.harden.cells import cell_areas, cell_lef
        from base_chip.harden.floorplan import core_used_percent, rows_um2
        from base_chip.pdk import load_pdk
        from base_chip.pdk.place_route import load_place_route

        base = load_base(job.config.base)
        facts = load_place_route(load_pdk(job.config.pdk))
        block = base_block(base, facts)
        cells = cell_lef(job.pdk.path("cells"), facts.library)
        kept = HardenedBase.read(HardenedBase.home(base.name), base.name)
        rtl = (job.inputs["rtl"] / "rtl.v").read_text("utf-8")
        kept.check(block, Bindings.now(block, rtl, cells))
        for name in kept.sums:
            (job.out / name).write_bytes(kept.content(name))
        areas = cell_areas(cells)
        metrics: dict[str, float] = {}
        for file, prefix in ({"mapped.v": ""} | ({"netlist.v": "routed_"} if kept.routed else {})).items():
            kinds = _kinds((job.out / file).read_text("utf-8"), areas)
            metrics[f"{prefix}cells"] = kinds.total()
            metrics[f"{prefix}cell_area_um2"] = sum(n * areas[kind] for kind, n in kinds.items())
        if not kept.routed:
            # The logic as it is mapped is what can be simulated of a base that is not hardened yet.
            shutil.copyfile(job.out / "mapped.v", job.out / "netlist.v")
            return Result(metrics=metrics, note=f"{metrics['cells']:.0f} cells, not placed and routed yet")
        area = metrics["routed_cell_area_um2"]
        metrics["core_used_percent"] = core_used_percent(block, area)
        metrics["rows_used_percent"] = 100 * area / rows_um2(block)
        metrics |= _reported(json.loads((job.out / "reports.json").read_bytes()))
        tools = ", ".join(f"{tool} {version}" for tool, version in sorted(kept.tools.items()))
        return Result(
            metrics=metrics, note=f"{metrics['routed_cells']:.0f} cells placed and routed ({tools})"
        )


def _kinds(netlist: str, known: Iterable[str]) -> Counter[str]:
    """Number of instances by kind of standard cell."""
    heads = re.findall(r"^\s*(\w+)\s+(?:\\\S+|\w+)\s*\(", netlist, re.M)
    known = set(known)
    return Counter(kind for kind in heads if kind in known)


def _reported(reports: Mapping[str, Mapping[str, Mapping[str, float]]]) -> dict[str, float]:
    """What the last step that measured it says of each metric; what none has measured is left out."""
    from flow.hardening.graph import hardening_flow

    order = [name for level in hardening_flow().get_execution_order() for name, _ in level]
    steps = sorted(reports["steps"].items(), key=lambda s: order.index(s[0]) if s[0] in order else -1)
    return {
        metric: float(told[name]) for metric, name in _REPORTED.items() for _, told in steps if name in told
    }
