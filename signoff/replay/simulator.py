"""The simulator of a rom tile: compiled once, contents are loaded when it starts."""

__all__ = ["TileSimulator", "build_tile_simulator"]

import subprocess
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np

from rtl_gen.errors import ExitCode, FlowError, ending
from signoff.gatesim.tools import verilate

TOP = "scf_rom_tile"
TIMEOUT_S = 600


def build_tile_simulator(tile: str, macro: str, work: Path, cells: str = "") -> Path:
    """Compile a rom tile into a program.

    Args:
        tile: Verilog text of the tile with its macros as instances, module `scf_rom_tile`: RTL or a netlist.
        macro: Verilog text of the macro's own model.
        work: Folder for generated files.
        cells: Verilog text of the cells of a netlist.

    Returns:
        The program, for `TileSimulator`.

    Raises:
        FlowError: Verilator or a C++ compiler is missing or fails.
    """
    work.mkdir(parents=True, exist_ok=True)
    (work / "tile.v").write_text(tile)
    (work / "macro.v").write_text(macro)
    (work / "cells.v").write_text(cells)
    (work / "host.cpp").write_text(files("signoff.replay").joinpath("replay.cpp").read_text("utf-8"))
    return verilate(work, TOP, ("host.cpp", "tile.v", "macro.v", "cells.v"), optimise="2")


@dataclass(frozen=True)
class TileSimulator:
    """A compiled tile, and a folder of its own for the files of one run after the other."""

    program: Path
    work: Path

    def run(self, macros: np.ndarray, steps: np.ndarray, north: np.ndarray | None) -> np.ndarray:
        """Run a program.

        Args:
            macros: uint8 [macros, words, bytes of a word]: contents, bit 0 of a byte first, 1 for a via.
            steps: int64 [cycles], of `signoff.replay.passes`.
            north: int32 [cycles, 2]: what the tile to the north sent, valid and sum; None at the north edge.

        Returns:
            int32 [cycles, 2]: what leaves at the south.

        Raises:
            FlowError: The program fails, or a macro complains, as of two words read at once.
        """
        self.work.mkdir(parents=True, exist_ok=True)
        for n, words in enumerate(macros):
            digits = np.ascontiguousarray(words[:, ::-1]).tobytes().hex()
            width = 2 * words.shape[1]
            lines = "\n".join(digits[at : at + width] for at in range(0, len(digits), width))
            (self.work / f"TOP.{TOP}.bank{n}.macro.hex").write_text(lines + "\n")
        steps.astype("<i8").tofile(self.work / "steps")
        (np.empty(0) if north is None else north).astype("<i4").tofile(self.work / "north")
        done = subprocess.run(
            [self.program, "steps", "north", "south", "+scf_bank_dir=."], cwd=self.work, capture_output=True,
            text=True, errors="replace", timeout=TIMEOUT_S, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        said = (done.stdout + done.stderr).strip()
        if done.returncode or "ERROR" in said:
            why = said.splitlines()[0] if said else ending(done.returncode)
            raise FlowError(f"the tile's simulation failed: {why}", code=ExitCode.TOOL_FAILED)
        return np.fromfile(self.work / "south", "<i4").reshape(-1, 2)
