"""How many wrong bits of a ROM a chip's tokens show: flips planted in copies that run beside the chip."""

__all__ = ["Chip", "place_of", "run"]

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rtl_gen.golden.core import CoreConfig
from rtl_gen.golden.params import IntModel
from rtl_gen.golden.rom import RomGeometry
from signoff.contents.decoder import read_decoder
from signoff.contents.rows import KINDS, ROW, Rows, Table
from signoff.faultsim.circuit import Circuit, compile_circuit
from signoff.faultsim.run import LANES, Outcome, build_engine, simulate_lanes
from signoff.faultsim.stimulus import Entry, choose_requests, table_use
from signoff.gatesim.host import Request
from signoff.netlist import read_modules
from signoff.result import CheckResult
from signoff.routed_equiv.flat import flatten
from signoff.timing.cells import load_cells

NAME, TOOL = "rom_coverage", "sc-flow"
CLOCK = "clk"
PASSES = 520  # tokens fed; about 2.8 million cycles
LEAST = 95  # percent of flips to be found
SEED = 1
BETA = 32  # temperature 1, for what a text reads of the tables


@dataclass(frozen=True)
class Chip:
    """What is simulated.

    Attributes:
        netlist: Verilog of the mapped or routed chip.
        top: Its module.
        cells: Folder of the kit's cells.
        bank: Kind of the ROM banks.
        contents: What was read back, a file a bank.
        core: Sizes.
    """

    netlist: Path
    top: str
    cells: Path
    bank: str
    contents: Sequence[Path]
    core: CoreConfig

    def circuit(self) -> Circuit:
        flat = flatten(read_modules(self.netlist), self.top)
        cells = load_cells({cell.kind for cell in flat.cells.values()} - {self.bank}, self.cells)
        return compile_circuit(flat, cells, self.bank, self.core.rom, CLOCK)

    def banks(self) -> np.ndarray:
        """bool [banks, word lines, bit lines]."""
        lines = [[int(line, 16) for line in path.read_text("ascii").split()] for path in self.contents]
        size = self.core.rom.bit_lines
        words = [[word.to_bytes(-(-size // 8), "little") for word in bank] for bank in lines]
        raw = np.frombuffer(b"".join(b"".join(bank) for bank in words), np.uint8)
        shape = len(lines), self.core.rom.word_lines, -1
        return np.unpackbits(raw.reshape(shape), axis=2, bitorder="little")[..., :size].astype(bool)


@dataclass(frozen=True)
class _Bits:
    """Bits of the ROM by what they are: int [n, 2] rows and bits of each kind that matter, and the others."""

    matter: Mapping[str, np.ndarray]
    ignored: int
    unused: int
    entries: int


def run(
    chip: Chip,
    model: IntModel,
    texts: Sequence[Sequence[int]],
    work: Path,
    say: Callable[[str], None] = lambda text: None,
) -> tuple[list[CheckResult], dict[str, float]]:
    """Choose requests, and run them through the chip and through copies with one wrong bit each.

    Args:
        chip: The chip.
        model: What its ROM holds.
        texts: Text as the model is used to, which says what entries of tables it uses.
        work: Folder for generated files.
        say: Told about progress.

    Returns:
        The rows `rom_coverage` and `rom_coverage_control`, and metrics.
    """
    say("choosing requests")
    requests = choose_requests(model, PASSES)
    used = table_use(model, [*texts, *([*r.prompt, *r.expected[:-1]] for r in requests)], BETA)
    circuit, banks = chip.circuit(), chip.banks()
    bits = _bits(_rows(banks, chip.core.rom), model, chip.core, used)
    engine = build_engine(work)
    rng = np.random.default_rng(SEED)
    planted = [
        (kind, row, bit)
        for n, (kind, places) in enumerate(bits.matter.items())
        for row, bit in rng.permutation(places)[: (LANES - 1 + n) // len(KINDS)].tolist()
    ]
    faults = [place_of(row, bit, chip.core.rom) for _, row, bit in planted]

    def told(count: int) -> None:
        say(f"{count} tokens of {sum(len(r.expected) for r in requests)} from {len(faults) + 1} chips")

    done = simulate_lanes(engine, circuit, banks, faults, requests, say=told)
    share, by_kind = _share(planted, done, bits)
    short = [replace(requests[0], expected=requests[0].expected[:1])]
    little, _ = _share(planted, simulate_lanes(engine, circuit, banks, faults, short), bits)
    holding = _rows_used(bits, chip.core.rom.rows)
    metrics: dict[str, float] = {
        "rom_flips_found_percent": share,
        **{f"rom_flips_found_{kind}_percent": value for kind, value in by_kind.items()},
        "rom_flips_planted": len(faults),
        "rom_rows_read_percent": 100 * float(done.rows[holding].mean()),
        "rom_bits_that_matter": sum(map(len, bits.matter.values())),
        "rom_bits_ignored": bits.ignored,
        "rom_bits_of_unused_entries": bits.unused,
        "rom_coverage_cycles": done.cycles,
        "rom_coverage_cpu_seconds": done.seconds,
        "rom_coverage_tokens": len(done.at),
    }
    row, control = _result(share, by_kind, done, requests), _control(little)
    return [row, control], metrics


def _result(
    share: float, by_kind: Mapping[str, float], done: Outcome, requests: Sequence[Request]
) -> CheckResult:
    kinds = ", ".join(f"{kind} {value:.1f}" for kind, value in by_kind.items())
    detail = f"{len(done.at)} tokens of {len(requests)} requests show {share:.1f} % of wrong bits ({kinds})"
    missed = 100 - int(share)
    reason = done.fault and f"the chip itself: {done.fault}"
    if not reason and missed > 100 - LEAST:
        reason = f"less than {LEAST} %: {detail}"
    return CheckResult(NAME, TOOL, "", missed, 100 - LEAST, "fail" if reason else "pass", reason, detail)


def _control(little: float) -> CheckResult:
    good = little < LEAST
    return CheckResult(
        f"{NAME}_control", TOOL, "", int(not good), 0, "pass" if good else "fail",
        "" if good else "one token seems to show as much as all of them",
        f"one token shows {little:.1f} %",
    )  # fmt: skip


def _rows(banks: np.ndarray, g: RomGeometry) -> np.ndarray:
    """bool [rows, 64]: the logical rows of the banks."""
    return banks.reshape(-1, ROW, g.mux).swapaxes(1, 2).reshape(-1, ROW)


def place_of(row: int, bit: int, g: RomGeometry) -> tuple[int, int, int]:
    """Bank, word line and bit line of a bit."""
    line, column = divmod(row, g.mux)
    return line // g.word_lines, line % g.word_lines, bit * g.mux + column


def _bits(bits: np.ndarray, model: IntModel, core: CoreConfig, used: set[Entry]) -> _Bits:
    rows = Rows(bits)
    read_decoder(rows, model, core)
    matter = (rows.kind >= 0) & ~rows.idle
    unused = np.zeros_like(matter)
    entries = 0
    for table in rows.tables.values():
        for entry in range(table.entries):
            if (table.name, entry) not in used:
                entries += 1
                unused[_entry(table, entry)] = True
    unused &= matter
    matter &= ~unused
    kinds = {kind: np.argwhere(matter & (rows.kind == n)) for n, kind in enumerate(KINDS)}
    return _Bits(kinds, int((rows.kind >= 0).sum() - matter.sum() - unused.sum()), int(unused.sum()), entries)


def _entry(table: Table, entry: int) -> tuple[int, slice]:
    """Row and bits of an entry of a table."""
    row, at = divmod(entry, ROW // table.width)
    return table.row + row, slice(at * table.width, (at + 1) * table.width)


def _rows_used(bits: _Bits, many: int) -> np.ndarray:
    """bool [rows]: rows that hold a bit that matters."""
    rows = np.concatenate([places[:, 0] for places in bits.matter.values()])
    return np.bincount(rows, minlength=many) > 0


def _share(
    planted: Sequence[tuple[str, int, int]], done: Outcome, bits: _Bits
) -> tuple[float, dict[str, float]]:
    """Percent of all bits that matter, from the percent of the planted ones of each kind; and these."""
    by_kind = {
        kind: 100.0 * float(np.mean([f for (k, *_), f in zip(planted, done.found, strict=True) if k == kind]))
        for kind in bits.matter
    }
    sizes = {kind: len(places) for kind, places in bits.matter.items()}
    return sum(by_kind[k] * n for k, n in sizes.items()) / sum(sizes.values()), by_kind
