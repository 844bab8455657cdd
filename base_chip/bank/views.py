"""Everything but the layout that tools need to know of a bank."""

__all__ = [
    "bank_lef",
    "bank_liberty",
    "bank_spice",
    "bank_verilog",
    "device_counts",
    "load_timing",
    "rom_hex",
    "write_views",
]

from pathlib import Path

import numpy as np

from base_chip.bank.layout import build_bank, write_layout
from base_chip.bank.lef import bank_lef
from base_chip.bank.liberty import bank_liberty
from base_chip.bank.sites import SiteGrid
from base_chip.bank.spec import BankSpec
from base_chip.bank.spice import bank_spice, device_counts
from base_chip.bank.timing import BankTiming, load_timing
from base_chip.bank.verilog import bank_verilog, rom_hex


def write_views(
    spec: BankSpec, folder: Path, bits: np.ndarray | None = None, timing: BankTiming | None = None
) -> dict[str, Path]:
    """Write the unprogrammed layout and all views of a bank.

    Args:
        spec: The bank.
        folder: Where to; made if missing.
        bits: bool [word_lines, bit_lines]: contents of the netlist; None for the base.
        timing: Makes one liberty a corner, `<bank>__<corner>.lib`; `load_timing(spec)` has that of banks
            that were simulated. None for no liberty.

    Returns:
        The files by kind: gds, lef, verilog, spice, sites, and each corner's liberty by the corner's name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    suffixes = {"gds": ".gds", "lef": ".lef", "verilog": ".v", "spice": ".spice", "sites": ".sites.json"}
    files = {kind: folder / (spec.name + suffix) for kind, suffix in suffixes.items()}
    write_layout(build_bank(spec), files["gds"])
    files["lef"].write_text(bank_lef(spec))
    files["verilog"].write_text(bank_verilog(spec))
    files["spice"].write_text(bank_spice(spec, bits))
    files["sites"].write_text(SiteGrid.of(spec).to_json())
    if timing:
        for corner in timing.corners:
            files[corner] = folder / f"{spec.name}__{corner}.lib"
            files[corner].write_text(bank_liberty(spec, corner, timing))
    return files
