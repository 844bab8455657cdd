"""Where each ROM bit lies on the chip: (bank, word line, bit line) to coordinates and back."""

__all__ = ["SiteMap", "bank_bits"]

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from rtl_gen.golden.rom import RomGeometry

Indices = tuple[np.ndarray, np.ndarray, np.ndarray]


def bank_bits(rows: np.ndarray, rom: RomGeometry, banks: range, words: range | None = None) -> np.ndarray:
    """Some banks of a packed image, bool [word lines, banks, bit_lines].

    Args:
        rows: uint8 [rows, bits / 8], bit 0 of a byte first.
        rom: Its geometry.
        banks: Numbers, ascending.
        words: Word lines, ascending without gaps; all by default.
    """
    words = words or range(rom.word_lines)
    each = rows.reshape(-1, rom.word_lines, rom.mux, rows.shape[1])
    part = each[banks.start : banks.stop : banks.step, words[0] : words[-1] + 1]
    packed = np.zeros((len(words), len(banks), part.shape[3], rom.mux), np.uint8)
    for m, table in enumerate(_spread(rom.mux)):  # eight bits at a time
        packed |= table.take(part[:, :, m].swapaxes(0, 1), axis=0)
    lines = packed.reshape(len(words), len(banks), -1)
    return np.unpackbits(lines, axis=2, bitorder="little").view(bool)


@functools.cache
def _spread(mux: int) -> np.ndarray:
    """Where a byte's bits go when `mux` rows share a word line: uint8 [mux, 256, mux]; k to k * mux + m."""
    bits = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little")
    out = np.zeros((mux, 256, 8, mux), np.uint8)
    for m in range(mux):
        out[m, :, :, m] = bits
    return np.packbits(out.reshape(mux, 256, -1), axis=2, bitorder="little")


@dataclass(frozen=True, eq=False)
class SiteMap:
    """The programmable sites of a base; all lengths in nm, chip coordinates.

    Cells of all banks have their sites at the same places, so a site is its bank's origin plus the place of
    its bit line (x) and of its word line (y) within the cell, or minus it where the bank is mirrored. Index
    arguments may be numbers or arrays.

    Attributes:
        base: Name of the base.
        rom: Banks, word lines and bit lines, and how logical rows lie on them.
        origins: int64 [banks, 2], where the lower left corner of each bank's cell comes to lie.
        x: int64 [bit_lines], centre of a site within its bank.
        y: int64 [word_lines], likewise.
        size: Side of the square drawn at a programmed site.
        layer: GDS layer and datatype of that square.
        signs: int64 [banks, 2], -1 where a bank is mirrored in x, in y; none is by default.
    """

    base: str
    rom: RomGeometry
    origins: np.ndarray
    x: np.ndarray
    y: np.ndarray
    size: int = 200
    layer: tuple[int, int] = (69, 44)
    signs: np.ndarray = field(default_factory=lambda: np.ones((1, 2), np.int64))

    def __post_init__(self) -> None:
        if len(self.signs) == 1:
            object.__setattr__(self, "signs", np.repeat(self.signs, self.rom.banks, axis=0))
        for name, shape in (
            ("origins", (self.rom.banks, 2)),
            ("signs", (self.rom.banks, 2)),
            ("x", (self.rom.bit_lines,)),
            ("y", (self.rom.word_lines,)),
        ):
            a = np.asarray(getattr(self, name), np.int64)
            if a.shape != shape:
                raise ValueError(f"{name} of the site map is {a.shape}, expected {shape}")
            object.__setattr__(self, name, a)
        for name in ("x", "y"):
            gap = np.diff(np.sort(getattr(self, name)))
            if gap.size and gap.min() < self.size:
                raise ValueError(
                    f"sites overlap: {name} has a pitch of {gap.min()} nm, a site is {self.size} nm"
                )

    @classmethod
    def of(
        cls, base: str, rom: RomGeometry, origins: Sequence[tuple[int, int]], x: np.ndarray, y: np.ndarray
    ) -> "SiteMap":
        """The site map of a base whose banks stand at `origins` (nm), with via2 squares of 200 nm."""
        return cls(base, rom, np.array(origins, np.int64), x, y)

    @property
    def sites(self) -> int:
        return self.rom.banks * self.rom.word_lines * self.rom.bit_lines

    def place(self, bank: np.ndarray, word_line: np.ndarray, bit_line: np.ndarray) -> np.ndarray:
        """Centres of sites, int64 [..., 2]."""
        o, s = (a[np.asarray(bank)] for a in (self.origins, self.signs))
        return np.stack(
            [o[..., 0] + s[..., 0] * self.x[bit_line], o[..., 1] + s[..., 1] * self.y[word_line]], axis=-1
        )

    def lines(self, bank: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Bit lines of a bank from the left, by number and by x; y of its word lines."""
        (ox, oy), (sx, sy) = self.origins[bank], self.signs[bank]
        x = ox + sx * self.x
        order = np.argsort(x)
        return order, x[order], oy + sy * self.y

    def locate(self, points: np.ndarray) -> Indices:
        """Inverse of `place`: bank, word line and bit line of points [n, 2]; -1 where there is no site."""
        points = np.asarray(points, np.int64).reshape(-1, 2)
        out = np.full((3, len(points)), -1, np.int64)
        for bank, (origin, sign) in enumerate(zip(self.origins, self.signs, strict=True)):
            local = (points - origin) * sign
            bit_line, word_line = _find(self.x, local[:, 0]), _find(self.y, local[:, 1])
            hit = (bit_line >= 0) & (word_line >= 0)
            out[:, hit] = np.stack([np.full(hit.sum(), bank), word_line[hit], bit_line[hit]])
        return out[0], out[1], out[2]

    def centres(self) -> np.ndarray:
        """Every legal site, int64 [sites, 2], in order of bank, word line and bit line."""
        shape = (self.rom.banks, self.rom.word_lines, self.rom.bit_lines)
        return self.place(*np.indices(shape).reshape(3, -1))

    def of_row(self, row: np.ndarray, bit: np.ndarray) -> Indices:
        """Bank, word line and bit line that hold a bit of a logical row."""
        row, bit = np.asarray(row), np.asarray(bit)
        per_bank = self.rom.word_lines * self.rom.mux
        return (
            row // per_bank,
            row // self.rom.mux % self.rom.word_lines,
            bit * self.rom.mux + row % self.rom.mux,
        )

    def parameters(self) -> dict[str, object]:
        """All that is needed to rebuild this map, as JSON types."""
        return {
            "banks": self.rom.banks,
            "word_lines": self.rom.word_lines,
            "bits": self.rom.bits,
            "mux": self.rom.mux,
            "origins_nm": self.origins.tolist(),
            "signs": self.signs.tolist(),
            "x_nm": self.x.tolist(),
            "y_nm": self.y.tolist(),
            "size_nm": self.size,
        }


def _find(values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Index in `values` (distinct, any order) of each wanted value, -1 where there is none."""
    order = np.argsort(values)
    at = np.minimum(np.searchsorted(values, wanted, sorter=order), len(values) - 1)
    index = order[at]
    return np.where(values[index] == wanted, index, -1)
