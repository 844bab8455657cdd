"""docs/reference/configs.md: the fields of every YAML file, from the types that read them."""

__all__ = ["page"]

import dataclasses
from collections.abc import Iterator
from typing import Any, get_args

from base_chip.arrays.characterise.deck import MacroWires
from base_chip.arrays.sram.characterise.deck import SramWires
from base_chip.bank.characterise.corners import Parasitics
from base_chip.bank.dims import BankDims
from base_chip.dies import Floorplan
from base_chip.pdk import Pdk
from base_chip.pdk.checks import Checks
from base_chip.pdk.constants import Constant
from base_chip.pdk.margin import Margin
from base_chip.pdk.place_route import PlaceRouteFile
from base_chip.pdk.power import PowerFacts
from base_chip.schema import field_types, plain, words
from base_chip.tiles.config import RamTileConfig, RomTileConfig, VecTileConfig
from flow.waivers import WaiverFile

FILES = {
    "dies/<base>.yaml": Floorplan,
    "tiles/rom.yaml": RomTileConfig,
    "tiles/ram.yaml": RamTileConfig,
    "tiles/vec.yaml": VecTileConfig,
    "pdk/<pdk>/facts.yaml": Pdk,
    "pdk/<pdk>/place_route/facts.yaml": PlaceRouteFile,
    "pdk/<pdk>/checks.yaml": Checks,
    "pdk/<pdk>/power.yaml": PowerFacts,
    "pdk/<pdk>/stitch.yaml": Margin,
    "pdk/<pdk>/bank.yaml": BankDims,
    "pdk/<pdk>/parasitics.yaml": Parasitics,
    "pdk/<pdk>/macro_wires.yaml": MacroWires,
    "pdk/<pdk>/sram_wires.yaml": SramWires,
    "pdk/<pdk>/plan.yaml and fabric.yaml, each entry": Constant,
    "a file of waivers": WaiverFile,
}
TABLE = "| field | type | default | meaning |\n|---|---|---|---|\n"
HEAD = """# YAML files

Made from the types that read the files by `python -m flow.reference > docs/reference/configs.md`. Paths are
below `base_chip/`. A field that is missing, unknown or not of its type is an error that names file and field.
"""


def page() -> str:
    """The page, as Markdown."""
    parts = [HEAD]
    for path, kind in FILES.items():
        parts += [f"\n## {path}\n\n{_first_line(kind)}\n\n", TABLE, *_rows(kind, "")]
    return "".join(parts)


def _rows(kind: Any, path: str) -> Iterator[str]:
    for field in dataclasses.fields(kind):
        typed = field_types(kind)[field.name]
        base, meta = plain(typed)
        default = "" if field.default is dataclasses.MISSING else f"`{field.default}`"
        yield f"| `{path}{field.name}` | {words(typed)} | {default} | {meta.description} |\n"
        if dataclasses.is_dataclass(base):
            yield from _rows(base, f"{path}{field.name}.")
        for inner in filter(dataclasses.is_dataclass, get_args(base)):
            below = "[n]" if ... in get_args(base) else ".<name>"
            yield from _rows(inner, f"{path}{field.name}{below}.")


def _first_line(kind: type) -> str:
    return (kind.__doc__ or "").partition("\n")[0]


if __name__ == "__main__":
    print(page(), end="")
