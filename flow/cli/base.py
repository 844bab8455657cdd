"""`sc-flow base`: what is made once for a base, and shipped with it."""

__all__ = ["base"]

import tempfile
from pathlib import Path

import click


@click.group()
def base() -> None:
    """Make the parts of a base chip that are fixed and shipped."""


@base.command()
@click.argument("name")
@click.option("--pdk", default="sky130", show_default=True)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder for netlist.v.xz and netlist.json; by default the one that builds take them from.",
)
def synth(name: str, pdk: str, out: Path | None) -> None:
    """Map the logic of base NAME to cells; machines without liberty then build with this netlist."""
    from base_chip.bank import BankSpec
    from base_chip.config import load_base
    from base_chip.pdk import load_pdk
    from base_chip.synth import ShippedNetlist, map_to_cells, yosys_version
    from flow.files import disk_faults
    from flow.pdk import find_pdk
    from flow.tasks.synth import bank_ports, need_liberty, plain_liberty
    from rtl_gen.tile import tile_verilog

    config = load_base(name)
    liberty = need_liberty(find_pdk(load_pdk(pdk), need_all=False))
    rtl = tile_verilog(config.core())
    bank = BankSpec.of(config.rom, config.pdk)
    out = out or ShippedNetlist.folder(name)
    with tempfile.TemporaryDirectory() as scratch, disk_faults(out):
        library = plain_liberty(liberty, Path(scratch))
        netlist = map_to_cells(rtl, f"scf_{name}", library, {bank.name: bank_ports(bank)}, Path(scratch))
        ShippedNetlist.of(netlist, rtl, yosys_version(), library).write(out)
    click.echo(f"{netlist.cell_count} cells, {netlist.area_um2:.0f} um2: {out}")


@base.command()
@click.argument("name")
@click.option(
    "--work",
    type=click.Path(path_type=Path),
    help="Folder of the run, build/<NAME> by default; steps in it that have ended are not run again.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder for the artifact; by default the one that builds take it from.",
)
@click.option("-j", "--jobs", default=2, show_default=True, help="Threads.")
def build(name: str, work: Path | None, out: Path | None, jobs: int) -> None:
    """Place and route base NAME with OpenROAD; machines without it then build chips from the artifact."""
    from base_chip.config import load_base
    from base_chip.harden.artifact import HardenedBase
    from flow.files import disk_faults
    from flow.hardening.run import harden
    from flow.lock import build_lock

    config = load_base(name)
    work = (work or Path("build", name)).absolute()
    out = out or HardenedBase.home(name)
    with build_lock(work), disk_faults(work), disk_faults(out):
        harden(config, work, out, jobs=jobs, say=click.echo)
    size = sum(p.stat().st_size for p in out.iterdir())
    click.echo(f"{out}: {size / 1e6:.1f} MB")
