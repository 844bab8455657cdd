"""A die's vias as GDSII, for tools that read no OASIS: references to patterns of eight sites."""

__all__ = ["write_die_gds"]

import hashlib
import struct
from pathlib import Path

import numpy as np

from metal_configs.sitemap import SiteMap, bank_bits
from metal_configs.writer.metal import Written
from metal_configs.writer.whole import whole_file
from rtl_gen.errors import FlowError

GROUP = 8
UNITS = bytes.fromhex(
    "3e4189374bc6a7f0 3944b82fa09b5a54".replace(" ", "")
)  # 0.001 um, 1e-9 m, in excess-64 reals
NO_DATE = bytes(24)
REFERENCE = np.dtype(
    [("sref", "V4"), ("sname", "V4"), ("name", "V4"), ("xy", "V4"), ("at", ">i4", 2), ("end", "V4")]
)


def _record(kind: int, data: bytes = b"") -> bytes:
    return struct.pack(">HH", len(data) + 4, kind) + data


def _text(kind: int, name: str) -> bytes:
    data = name.encode("ascii")
    return _record(kind, data + bytes(len(data) % 2))


def write_die_gds(path: Path, rows: np.ndarray, sites: SiteMap) -> Written:
    """Write what `metal_configs.writer.die.write_die` writes, as GDSII; about 3.5 bytes per site.

    Args:
        path: The file; appears whole or not at all.
        rows: uint8 [rows, bytes of a row].
        sites: Site map of the die.

    Raises:
        FlowError: The file cannot be written, or groups of eight bit lines are not alike.
    """
    offsets = sites.x.reshape(-1, GROUP) - sites.x[::GROUP, None]
    if (offsets != offsets[0]).any() or (np.diff(offsets[0]) != np.diff(offsets[0])[::-1]).any():
        raise FlowError("groups of eight bit lines have different pitches: they cannot share patterns")
    digest, size, programmed = hashlib.sha256(), 0, []
    with whole_file(path, "the die's GDSII", kept="dies that are finished are kept") as stream:

        def put(data: bytes) -> None:
            nonlocal size
            stream.write(data)
            digest.update(data)
            size += len(data)

        put(_record(0x0002, struct.pack(">h", 600)) + _record(0x0102, NO_DATE) + _text(0x0206, "SCFLOW"))
        put(_record(0x0305, UNITS))
        for pattern in _used(rows, sites):
            put(_pattern(pattern, offsets[0], sites))
        put(_record(0x0502, NO_DATE) + _text(0x0606, f"scf_{sites.base}_metal"))
        for bank in range(sites.rom.banks):
            bits = _bank(rows, sites, bank)
            programmed.append(int(np.count_nonzero(bits)))
            put(_references(bits, *sites.lines(bank)[1:]))
        put(_record(0x0700) + _record(0x0400))
    return Written(path, digest.hexdigest(), size, tuple(programmed))


def _used(rows: np.ndarray, sites: SiteMap) -> list[int]:
    """Patterns that occur: a cell that nothing refers to would be a second top cell."""
    seen = np.zeros(1 << GROUP, bool)
    for bank in range(sites.rom.banks):
        seen[_patterns(_bank(rows, sites, bank))] = True
    return [int(p) for p in np.flatnonzero(seen) if p]


def _bank(rows: np.ndarray, sites: SiteMap, bank: int) -> np.ndarray:
    """Bits of a bank, bool [word_lines, bit_lines], bit lines from the left."""
    return bank_bits(rows, sites.rom, range(bank, bank + 1))[:, 0, sites.lines(bank)[0]]


def _patterns(bits: np.ndarray) -> np.ndarray:
    return np.packbits(bits, axis=1, bitorder="little")


def _pattern(pattern: int, offsets: np.ndarray, sites: SiteMap) -> bytes:
    """A cell with the vias of the set bits, the lowest leftmost; its origin is the first site's centre."""
    out = _record(0x0502, NO_DATE) + _text(0x0606, f"v{pattern:03}")
    half, (layer, datatype) = sites.size // 2, sites.layer
    for k in range(GROUP):
        if pattern >> k & 1:
            a, b = int(offsets[k]) - half, int(offsets[k]) + half
            corners = (a, -half, b, -half, b, half, a, half, a, -half)
            out += _record(0x0800) + _record(0x0D02, struct.pack(">h", layer))
            out += _record(0x0E02, struct.pack(">h", datatype)) + _record(
                0x1003, struct.pack(">10i", *corners)
            )
            out += _record(0x1100)
    return out + _record(0x0700)


def _references(bits: np.ndarray, x: np.ndarray, y: np.ndarray) -> bytes:
    pattern = _patterns(bits)
    word, group = np.nonzero(pattern)
    out = np.zeros(len(word), REFERENCE)
    names = np.array([f"v{p:03}".encode() for p in range(1 << GROUP)], "S4").view("V4")
    out["sref"], out["sname"] = np.void(_record(0x0A00)), np.void(struct.pack(">HH", 8, 0x1206))
    out["name"] = names[pattern[word, group]]
    out["xy"], out["end"] = np.void(struct.pack(">HH", 12, 0x1003)), np.void(_record(0x1100))
    out["at"] = np.stack([x[group * GROUP], y[word]], axis=1)
    return out.tobytes()
