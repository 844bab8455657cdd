"""The via-programmable ROM bank: layout, via sites and views, all from one `BankSpec`."""

__all__ = ["BankPlan", "BankSpec", "SiteGrid", "build_bank", "program_bank", "write_layout"]

from base_chip.bank.layout import build_bank, program_bank, write_layout
from base_chip.bank.plan import BankPlan
from base_chip.bank.sites import SiteGrid
from base_chip.bank.spec import BankSpec
