"""Where the bits of a base's ROM lie on the chip."""

__all__ = ["site_map"]

from base_chip.bank import BankSpec, SiteGrid
from base_chip.config import BaseConfig
from metal_configs.sitemap import SiteMap


def site_map(base: BaseConfig) -> SiteMap:
    """Where each bit of a base's ROM lies on the chip."""
    grid = SiteGrid.of(BankSpec.of(base.rom, base.pdk))
    return SiteMap.of(base.name, base.rom, base.floorplan.banks_nm(), grid.x, grid.y)
