"""Write a ROM image as program-layer shapes."""

__all__ = ["Written", "write_banks", "write_metal"]

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from metal_configs.sitemap import SiteMap
from metal_configs.writer.oasis import OasisFile
from metal_configs.writer.records import Cursor, bank_records
from metal_configs.writer.whole import whole_file
from rtl_gen.errors import FlowError


@dataclass(frozen=True)
class Written:
    """A finished metal-config file.

    Attributes:
        path: Where it is.
        sha256: Of its bytes.
        size: Bytes.
        programmed: Vias in each bank.
    """

    path: Path
    sha256: str
    size: int
    programmed: tuple[int, ...]


def write_metal(path: Path, image: np.ndarray, sites: SiteMap) -> Written:
    """Write the vias of one model: cell `scf_<base>_metal`, whose origin is the chip's.

    Args:
        path: OASIS file; appears whole or not at all.
        image: bool [rows, bits], as `sites.rom` lays it out.
        sites: Site map of the base.

    Raises:
        FlowError: The image does not fit the site map, or the file cannot be written.
    """
    if image.shape != (sites.rom.rows, sites.rom.bits) or image.dtype != np.bool_:
        raise FlowError(
            f"the ROM image is {image.dtype} {image.shape}, expected bool {(sites.rom.rows, sites.rom.bits)}"
            f" for base {sites.base}",
            hint="Build the image for this base.",
        )
    return write_banks(path, sites.rom.to_banks(image), sites)


def write_banks(path: Path, banks: Iterable[np.ndarray], sites: SiteMap) -> Written:
    """As `write_metal`, from one bool [word_lines, bit_lines] array a bank.

    Takes one bank at a time, so that memory does not grow with the size of the model.
    """
    half = sites.size // 2
    programmed: list[int] = []
    cursor = Cursor()
    with whole_file(path, "the metal config") as stream:
        file = OasisFile(stream)
        file.cell(f"scf_{sites.base}_metal")
        for number, bits in enumerate(banks):
            if bits.shape != (sites.rom.word_lines, sites.rom.bit_lines):
                raise ValueError(f"bank {len(programmed)} is {bits.shape}")
            order, x, y = sites.lines(number)
            in_order = (order == np.arange(len(order))).all()
            columns = bits if in_order else bits[:, order]
            file.block(bank_records(columns, x - half, y - half, sites.size, sites.layer, cursor))
            programmed.append(int(np.count_nonzero(bits)))
        if len(programmed) != sites.rom.banks:
            raise ValueError(f"{len(programmed)} banks, expected {sites.rom.banks}")
        file.close()
        size, sha256 = stream.tell(), file.sha256()
    return Written(path, sha256, size, tuple(programmed))
