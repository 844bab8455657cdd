"""The vias of a die of many banks: blocks of word lines of a line of banks, made in parallel."""

__all__ = ["write_die"]

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from metal_configs.sitemap import SiteMap, bank_bits
from metal_configs.writer.metal import Written
from metal_configs.writer.oasis import OasisFile, cblock
from metal_configs.writer.records import BitLines, block_records
from metal_configs.writer.whole import whole_file
from rtl_gen.ordered import ordered

BLOCK = 1 << 19  # sites of a block: what a processor's cache holds


def write_die(
    path: Path, rows: np.ndarray, sites: SiteMap, lines: Sequence[range], threads: int = 1
) -> Written:
    """Write a die's vias: cell `scf_<base>_metal`, a compressed block for some word lines of a line of banks.

    Args:
        path: OASIS file; appears whole or not at all.
        rows: uint8 [rows, bytes of a row], bit 0 of a byte first.
        sites: Site map of the die.
        lines: Banks that stand on one line, from the left, mirrored in y alike; if their bit lines are on one
            grid, a distance takes a byte.
        threads: The bytes do not depend on it.

    Raises:
        FlowError: The file cannot be written (OUTPUT).
    """
    rom = sites.rom
    blocks = []
    for banks in lines:
        left = np.concatenate([sites.lines(bank)[1] for bank in banks]) - sites.size // 2
        across, height = BitLines.of(left), max(1, BLOCK // (len(banks) * rom.bit_lines))
        mirrored = sites.signs[banks.start : banks.stop : banks.step, 0] < 0
        blocks += [
            (banks, range(at, min(at + height, rom.word_lines)), across, mirrored)
            for at in range(0, rom.word_lines, height)
        ]

    def work(block: tuple[range, range, BitLines, np.ndarray]) -> bytes:
        banks, words, across, mirrored = block
        bits = bank_bits(rows, rom, banks, words)
        if mirrored.any():
            bits[:, mirrored] = bits[:, mirrored, ::-1]
        y = sites.lines(banks[0])[2][words.start : words.stop] - sites.size // 2
        records = block_records(bits.reshape(len(words), -1), across, y, sites.size, sites.layer)
        return cblock(records) if records else b""

    with whole_file(path, "the die's metal config", kept="dies that are finished are kept") as stream:
        file = OasisFile(stream)
        file.cell(f"scf_{sites.base}_metal")
        for block in ordered(threads, work, blocks):
            file.compressed(block)
        file.close()
        size, sha256 = stream.tell(), file.sha256()
    programmed = tuple(int(np.bitwise_count(bank).sum()) for bank in rows.reshape(rom.banks, -1))
    return Written(path, sha256, size, programmed)
