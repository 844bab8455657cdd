"""Design rules and LVS on ROM macros with the contents of built dies: dies are planned, macros are real."""

__all__ = ["BankDrcKlayoutTask", "BankDrcMagicTask", "BankLvsTask"]

from pathlib import Path

import numpy as np

from flow.tasks.drc_klayout import DrcKlayoutTask
from flow.tasks.sample import BIT_LINES, TOP, WORD_LINES
from flow.tasks.step import Job, Result, StepTask

LAYOUT = "banks.gds"  # that `sample` draws


class BankDrcKlayoutTask(DrcKlayoutTask):
    """On the two macros."""

    needs = ("sample",)

    def layout(self, job: Job) -> tuple[Path, str]:
        return job.inputs["sample"] / LAYOUT, TOP


class BankDrcMagicTask(StepTask):
    """Style drc(full); its control is a small bank with errors inside its array and beside it."""

    step_name = "drc_magic"
    needs = ("sample",)
    config = ("pdk", "waivers")
    tools = ("magic",)
    roles = ("magic_tech",)
    is_check = True

    def work(self, job: Job) -> Result:
        from base_chip.pdk import load_pdk
        from flow.pdk.magic_tech import tech_for_magic
        from flow.tasks.sample import sample_bank
        from rtl_gen.tools import require
        from signoff.drc_magic import control, run

        tech = tech_for_magic(job.pdk.path("magic_tech"), require("magic"))
        sample, layers = sample_bank(job.config.pdk, job.scratch), load_pdk(job.config.pdk).layers
        macros = job.inputs["sample"] / LAYOUT
        row = run(macros, TOP, tech, job.scratch / "drc", waivers=job.config.waivers)
        folder, name = job.scratch / "control", sample.spec.name
        return Result([row, control(sample.layout, name, tech, folder, site=sample.empty, layers=layers)])


class BankLvsTask(StepTask):
    """A corner of the first macro's array, transistor by transistor; the control is a netlist with another
    bit.
    """

    step_name = "lvs"
    needs = ("sample",)
    config = ("pdk",)
    tools = ("magic", "netgen")
    roles = ("magic_tech", "netgen_setup")
    is_check = True

    def work(self, job: Job) -> Result:
        from base_chip.bank.spice import bank_spice
        from flow.pdk.magic_tech import tech_for_magic
        from flow.tasks.sample import sample_bank
        from rtl_gen.tools import require
        from signoff.lvs import run

        bits = np.load(job.inputs["sample"] / "bits.npy")[0, :WORD_LINES, :BIT_LINES]
        sample = sample_bank(job.config.pdk, job.scratch, bits)
        wrong = bits.copy()
        wrong[wrong.shape[0] // 2, wrong.shape[1] // 2] ^= True
        right_netlist, wrong_netlist = job.scratch / "right.spice", job.scratch / "wrong.spice"
        right_netlist.write_text(bank_spice(sample.spec, bits))
        wrong_netlist.write_text(bank_spice(sample.spec, wrong))
        tech = tech_for_magic(job.pdk.path("magic_tech"), require("magic"))
        setup = job.pdk.path("netgen_setup")
        name, folder = sample.spec.name, job.scratch / "lvs"
        checks = run(sample.layout, name, right_netlist, wrong_netlist, tech, setup, folder)
        return Result(list(checks), note=checks[0].detail if checks[0].status == "pass" else "")
