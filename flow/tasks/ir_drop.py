"""Power of a token, and the IR drop that it makes on the drawn supplies."""

__all__ = ["IrDropTask"]

import json
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from flow.tasks.step import Job, Result, StepTask
from flow.tasks.supply_grid import SUPPLIES
from signoff.result import CheckResult

if TYPE_CHECKING:
    from base_chip.bank import BankSpec
    from base_chip.pdk.power import BitLine
    from signoff.power.energy import BankEnergy, Corner

REPORT = "power.json"


class IrDropTask(StepTask):
    """Its controls: a strap removed, a rail without vias, more current than the limit allows."""

    step_name = "ir_drop"
    needs = ("harden", "readback", "timed", "supply_grid")
    config = ("base", "pdk")
    is_check = True
    routed = True

    def work(self, job: Job) -> Result:
        from base_chip.bank import BankSpec
        from base_chip.config import load_base
        from base_chip.pdk import load_pdk
        from base_chip.pdk.place_route import load_place_route
        from base_chip.pdk.power import load_power
        from flow.tasks.energies import six_digits
        from signoff.netlist import read_netlist
        from signoff.power.blocks import block_of
        from signoff.power.energy import energies_of
        from signoff.power.grid import Grid
        from signoff.power.picture import draw_drops
        from signoff.power.run import CornerGrid, analyse
        from signoff.timed import Activity

        told = job.inputs["timed"] / "activity.json"
        if not told.exists():
            reason = "what moves while a token is made comes from the step timed, which did not run"
            return Result([CheckResult.not_run(self.step_name, reason)])
        pdk, base = load_pdk(job.config.pdk), load_base(job.config.base)
        facts, routing = load_power(pdk), load_place_route(pdk)
        bank = BankSpec.of(base.rom, base.pdk)
        grids = [Grid.load(job.inputs["supply_grid"] / f"{net}.npz") for net in SUPPLIES]
        wires = json.loads((job.inputs["supply_grid"] / "wires.json").read_bytes())
        places = json.loads((job.inputs["supply_grid"] / "places.json").read_bytes())
        netlist = read_netlist(job.inputs["harden"] / "netlist.v")
        activity = Activity(**json.loads(told.read_bytes()))
        banks = {
            f"rom.bank{n}": _bit_lines(job.inputs["readback"] / f"bank{n}.hex", bank, facts.bit_line)
            for n in range(base.rom.banks)
        }
        corners = {}
        for name, asked in routing.corners.items():
            cells = _corner(pdk.name, asked.liberty, bank, base.hardening.signoff_ns[name])
            energy = energies_of(netlist, wires, activity, cells, banks)
            corners[name] = CornerGrid(asked.voltage, facts.ohms[asked.parasitics], energy)
        rows, found = analyse(grids, corners, facts.limit_percent, lambda name: places[name])
        blocks = {name: block_of(i, {bank.name}) for name, i in netlist.instances.items()}
        metrics: dict[str, float] = {}
        report = {}
        for name, corner in corners.items():
            energy, volts = corner.energy, found[name].drops[found[name].worst]
            metrics |= {
                f"power_{name}_mw": 1e3 * energy.total / energy.seconds,
                f"energy_per_token_{name}_nj": 1e9 * energy.total / activity.tokens,
                f"ir_drop_{name}_mv": 1e3 * volts,
                f"ir_drop_{name}_percent": 100 * volts / corner.volts,
            }
            of_block: dict[str, float] = defaultdict(float)
            for instance, joules in energy.by_instance.items():
                of_block[blocks[instance]] += joules
            report[name] = {
                "volts": corner.volts,
                "nj_per_token": metrics[f"energy_per_token_{name}_nj"],
                "mw": metrics[f"power_{name}_mw"],
                "drop_mv": metrics[f"ir_drop_{name}_mv"],
                "drop_percent": metrics[f"ir_drop_{name}_percent"],
                "worst": found[name].worst,
                "parts_mw": {
                    part: 1e3 * getattr(energy, part) / energy.seconds
                    for part in ("switching", "inside", "bit_lines", "leakage")
                },
                "blocks_mw": {
                    b: 1e3 * of_block[b] / energy.seconds
                    for b in sorted(of_block, key=lambda b: -of_block[b])
                },
            }
        text = json.dumps(six_digits(report), indent=1)
        (job.out / REPORT).write_text(text)
        (job.scratch / REPORT).write_text(text)  # evidence
        worst = max(found, key=lambda n: metrics[f"ir_drop_{n}_percent"])
        draw_drops(job.out / "ir_drop.png", found[worst].drops, places, base.floorplan.die)
        mw, nj = metrics["power_typical_mw"], metrics["energy_per_token_typical_nj"]
        return Result(rows, six_digits(metrics), note=f"{mw:.1f} mW, {nj:.0f} nJ per token, typical corner")


def _bit_lines(contents: Path, bank: "BankSpec", farads: "BitLine") -> "BankEnergy":
    """Capacitance of each bit line of a bank with its contents."""
    from signoff.power.energy import BankEnergy

    words = [int(line, 16) for line in contents.read_text().split()]
    lines = {}
    for bit in range(bank.bit_lines):
        ones = sum(word >> bit & 1 for word in words)
        ff = ones * farads.set + (len(words) - ones) * farads.empty
        lines[f"BL[{bit}]"] = ff * 1e-15
    return BankEnergy(lines)


def _corner(pdk: str, liberty: str, bank: "BankSpec", period: float) -> "Corner":
    """Cells and bank in a corner; `period` in ns."""
    from base_chip.bank.timing import load_timing
    from base_chip.pdk import load_pdk
    from flow.tasks.energies import kit_corner

    timing = load_timing(bank).corners[liberty]
    inputs = {f"WL[{n}]": timing.word_line_ff * 1e-15 for n in range(bank.word_lines)}
    inputs["PRE_N"] = timing.precharge_ff * 1e-15
    kit = kit_corner(load_pdk(pdk), liberty, timing.volts, period)
    return replace(kit, farads={**kit.farads, bank.name: inputs})
