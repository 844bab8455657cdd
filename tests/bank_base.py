"""A base of banks alone, for tests that need no cells around them."""

import klayout.db as kdb

from base_chip.bank import BankSpec, build_bank
from base_chip.config import BaseConfig
from base_chip.pdk import load_pdk


def bank_base(config: BaseConfig) -> kdb.Layout:
    """The banks of a base at their places in its die, in top cell `scf_<base>`."""
    spec = BankSpec.of(config.rom, config.pdk)
    layout = build_bank(spec)
    bank = layout.cell(spec.name)
    top = layout.create_cell(f"scf_{config.name}")
    outline = layout.layer(*load_pdk(config.pdk).layers["prBoundary"])
    top.shapes(outline).insert(kdb.Box(0, 0, *config.floorplan.die_nm()))
    for x, y in config.floorplan.banks_nm():
        top.insert(kdb.CellInstArray(bank.cell_index(), kdb.Trans(x, y)))
    return layout
