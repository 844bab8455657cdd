"""One LEF of the standard cells from the kit's, which has a file for each; and their areas."""

__all__ = ["cell_areas", "cell_lef"]

import re
from fnmatch import fnmatch
from pathlib import Path

from rtl_gen.errors import FlowError

# Level shifters and isolation cells need a second supply; the kit's LEF of some is not valid LEF.
LEFT_OUT = ("lpflow_*", "probe*", "macro_*")


def cell_lef(cells: Path, library: str) -> str:
    """LEF text.

    Args:
        cells: The kit's folder of cells: `<cell>/<library>__<cell>_<size>.lef`.
        library: Prefix of the cells' names.

    Raises:
        FlowError: A file holds no macro, or there are none.
    """
    text = ["VERSION 5.7 ;", 'BUSBITCHARS "[]" ;', 'DIVIDERCHAR "/" ;']
    avoid = [f"{library}__{pattern}" for pattern in LEFT_OUT]
    files = [p for p in sorted(cells.glob("*/*.lef")) if not p.name.endswith(".magic.lef")]
    if not files:
        raise FlowError("no LEF of standard cells", where=str(cells), hint="Run: sc-flow pdk install sky130")
    for path in files:
        if any(fnmatch(path.stem, pattern) for pattern in avoid):
            continue
        macro = re.search(r"^MACRO (\S+)$.*^END \1$", path.read_text("utf-8"), re.S | re.M)
        if macro is None:
            raise FlowError("no MACRO in a cell's LEF", where=str(path), hint="Install the kit again.")
        text.append(_with_diode(macro.group(), path))
    return "\n".join([*text, "END LIBRARY", ""])


def cell_areas(lef: str) -> dict[str, float]:
    """Area (um2) of every macro in a LEF text."""
    sizes = re.findall(r"^MACRO (\S+)$.*?^\s*SIZE\s+([\d.]+)\s+BY\s+([\d.]+)\s*;", lef, re.S | re.M)
    return {name: float(width) * float(height) for name, width, height in sizes}


def _with_diode(macro: str, path: Path) -> str:
    """A diode's macro with its diffusion area, which the kit states in the cell's other LEF alone."""
    if "ANTENNACELL" not in macro or "ANTENNADIFFAREA" in macro:
        return macro
    other = path.with_suffix(".magic.lef")
    area = re.search(r"^ *ANTENNADIFFAREA +[\d.]+ *;$", other.read_text("utf-8"), re.M)
    if area is None:
        raise FlowError(
            "no diffusion area of the antenna diode", where=str(other), hint="Install the kit again."
        )
    return re.sub(r"^( *PIN DIODE)$", rf"\1\n{area.group()}", macro, flags=re.M)
