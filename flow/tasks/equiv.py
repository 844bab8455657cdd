"""Yosys proves that the mapped netlist and the RTL of the engine do the same."""

__all__ = ["EquivTask"]

from flow.tasks.step import Job, Result, StepTask
from rtl_gen.tools import require
from signoff.result import CheckResult


class EquivTask(StepTask):
    """Its negative control is a netlist with one gate changed, which must not be proved."""

    step_name = "equiv"
    needs = ("rtl", "harden")
    config = ("base",)
    tools = ("yosys",)
    roles = ("cells",)
    is_check = True

    def work(self, job: Job) -> Result:
        from base_chip.synth import prove_equivalent
        from base_chip.synth.equivalence import damage

        rtl = (job.inputs["rtl"] / "rtl.v").read_text()
        netlist = (job.inputs["harden"] / "mapped.v").read_text()
        module = f"scf_{job.config.base}.core.datapath.engine"
        cells = job.pdk.path("cells")
        found = prove_equivalent(rtl, netlist, module, cells, job.scratch / "proof")
        bad = damage(netlist, module)
        control = prove_equivalent(rtl, bad, module, cells, job.scratch / "control")
        version = require("yosys")
        proved = CheckResult(
            "equiv",
            "yosys",
            version,
            found.unproved if found.proved else None,
            0,
            "pass" if found.equivalent else "fail",
            "" if found.equivalent else f"{found.unproved} signals of {module} are not proved equal",
            f"{found.proved} signals of {module} are proved equal",
        )
        missed = int(control.equivalent)
        caught = CheckResult(
            "equiv_control",
            "yosys",
            version,
            missed,
            0,
            "fail" if missed else "pass",
            "a changed gate was not found" if missed else "",
            "a netlist with one gate changed is not proved",
        )
        return Result([proved, caught], note=f"{found.proved} signals proved")
