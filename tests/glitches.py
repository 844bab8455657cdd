"""How much of a token is glitches: the first of nano without delays, against that of the step timed.

    python -m tests.glitches build/words

takes a build on nano, in which `ir_drop` has run, and compiles a simulator that counts: 2 minutes of
processor time.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from base_chip.bank import BankSpec
from base_chip.bank.verilog import bank_verilog
from base_chip.config import load_base
from base_chip.pdk import load_pdk
from base_chip.pdk.place_route import load_place_route
from base_chip.pdk.power import load_power
from flow.pdk.providers import find_pdk
from flow.request import BuildConfig
from flow.tasks.integer_model import golden_model
from flow.tasks.ir_drop import _bit_lines, _corner
from flow.tasks.model import load_model
from metal_configs.models import resolve
from rtl_gen.golden.sampling import beta_of
from signoff.gatesim import Request, build_simulator, read_rises, simulate
from signoff.netlist import read_netlist
from signoff.power.blocks import block_of
from signoff.power.energy import energies_of, pins_of
from signoff.timed import Activity

APART = ("clock tree", "ROM banks")  # blocks in which nothing glitches


def main(build: Path, work: Path) -> None:
    pdk, base = load_pdk("sky130"), load_base("nano")
    bank, facts = BankSpec.of(base.rom, base.pdk), load_power(pdk)
    config = BuildConfig("words", str(resolve("words")), "")
    prompt, beta = load_model(config).prompt(""), beta_of(config.temperature)
    first = next(iter(golden_model(build / "quantise").generate(prompt, beta=beta, seed=config.seed)))
    read = {f"rom.bank{n}": build / "readback" / f"bank{n}.hex" for n in range(base.rom.banks)}
    text = (build / "harden" / "netlist.v").read_text("utf-8")
    cells = find_pdk(pdk).path("cells")
    program = build_simulator(text, "scf_nano", cells, bank_verilog(bank), work / "sim", rises=True)
    requests = [Request(prompt, beta, config.seed, [first])]
    done = simulate(program, "scf_nano", [read], requests, work / "run", between=(0, 1))
    assert done.equals(requests), done
    netlist = read_netlist(build / "harden" / "netlist.v")
    on_pins = {net for of in netlist.instances.values() for _, net in pins_of(of)}
    found = read_rises(work / "run", "scf_nano")
    assert on_pins <= found.keys()
    timed = Activity(**json.loads((build / "timed" / "activity.json").read_bytes()))
    still = replace(timed, rises={net: found[net] for net in on_pins})
    wires = json.loads((build / "supply_grid" / "wires.json").read_bytes())
    banks = {name: _bit_lines(path, bank, facts.bit_line) for name, path in read.items()}
    blocks = {name: block_of(of, {bank.name}) for name, of in netlist.instances.items()}
    print(f"rises: {sum(still.rises.values())} without delays, {sum(timed.rises.values())} with them")
    for name, asked in load_place_route(pdk).corners.items():
        corner = _corner(pdk.name, asked.liberty, bank, base.hardening.signoff_ns[name])
        sums = []
        for activity in (still, timed):
            energy = energies_of(netlist, wires, activity, corner, banks)
            logic = sum(j for i, j in energy.by_instance.items() if blocks[i] not in APART)
            sums += [1e9 * energy.total, 1e9 * logic]
        print("{}: {:.0f} nJ, {:.0f} of them logic; with delays {:.0f} and {:.0f}".format(name, *sums))


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        main(Path(sys.argv[1]), Path(folder))
