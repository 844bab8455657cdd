"""Runs OpenSTA on a routed chip in one corner."""

__all__ = ["Chip", "Corner", "Found"]

import functools
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from rtl_gen.errors import FlowError
from signoff.eda import OPENSTA, script
from signoff.netlist import Netlist, read_netlist
from signoff.timing.cells import Cell, load_cells
from signoff.timing.constant import constant_pins
from signoff.timing.edges import Edged, split_paths
from signoff.timing.report import StaReport, read_report
from signoff.timing.skeleton import skeleton

_LIMIT_S = 900.0


@dataclass(frozen=True)
class Corner:
    """What is looked at in one corner.

    Attributes:
        sdf: Delays, as OpenSTA writes them.
        constraints: SDC.
        period: Of the clock in it, ns.
        macros: Liberty of the macros.
    """

    name: str
    sdf: Path
    constraints: str
    period: float
    macros: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Found:
    """What one analysis says.

    Attributes:
        lost: Places without a delay or limit.
        loose: Ends that nothing constrains, and why; those that never change are left out.
    """

    report: StaReport
    lost: tuple[str, ...]
    loose: tuple[str, ...]

    def late(self) -> list[str]:
        """Everything that is too late, too early or too short, the worst first."""
        r = self.report
        found = [("setup", n, s) for n, s in r.setup.items()] + [("hold", n, s) for n, s in r.hold.items()]
        found += [("pulse", n, s) for n, s in r.width.items()]
        bad = sorted((s, kind, n) for kind, n, s in found if s < 0)
        return [f"{kind} {n} by {-s:.3f} ns" for s, kind, n in bad]


@dataclass(frozen=True)
class Chip:
    """A routed netlist, and what its cells do."""

    path: Path
    netlist: Netlist
    cells: Mapping[str, Cell]

    @classmethod
    def read(cls, path: Path, folder: Path, macros: Collection[str] = ()) -> "Chip":
        """Read a netlist, and the functional models of its cells from the kit's folder.

        Of `macros` a liberty says what they do.
        """
        netlist = read_netlist(path)
        kinds = {i.cell for i in netlist.instances.values()} - set(macros)
        return cls(path, netlist, load_cells(kinds, folder))

    def analyse(self, corner: Corner, sdf: Edged, folder: Path, through: Collection[str] = ()) -> Found:
        """Run OpenSTA.

        Args:
            corner: What to look at.
            sdf: Its delays.
            folder: For all files; made if missing.
            through: Pins for which the paths through them are told apart.

        Raises:
            FlowError: It found nothing that could be judged.
        """
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cells.lib").write_text(skeleton(self.cells.values()))
        (folder / "delays.sdf").write_text(sdf.text)
        (folder / "constraints.sdc").write_text(corner.constraints)
        files = {**script("sta.tcl"), "netlist.v": self.path}
        files |= {f"macro{n}.lib": path for n, path in enumerate(corner.macros)}
        arguments = ["-no_splash", "-exit", "sta.tcl"]
        done = OPENSTA.run(arguments, folder, _LIMIT_S, self._variables(corner, through), files)

        def failed(why: str) -> FlowError:
            return OPENSTA.failed(f"{corner.name}: {why}", folder)

        if done.fault:
            raise failed(done.fault)
        try:
            report = read_report(done.log)
        except ValueError as e:
            raise failed(f"its report is not understood: {e}") from e
        if not report.setup or not report.hold:
            raise failed("it looked at no path")
        loose = tuple(f"{pin} ({why})" for pin, why in report.open if pin not in self._constant)
        return Found(report, tuple(self._lost(report, sdf)), loose)

    @functools.cached_property
    def _constant(self) -> frozenset[str]:
        """Pins that never change, in whatever corner."""
        return constant_pins(self.netlist, self.cells)

    def _lost(self, report: StaReport, sdf: Edged) -> list[str]:
        unnamed = report.missing - len(report.places)
        kinds = Counter(i.cell for i in self.netlist.instances.values())
        pairs = sum(kinds[name] * len(split_paths(cell)) for name, cell in self.cells.items())
        single = max(pairs - sdf.pairs, 0)
        return [
            *report.places,
            *["a delay that OpenSTA does not name"] * unnamed,
            *sdf.gaps,
            *["the second of a pair of paths"] * single,
        ]

    def _variables(self, corner: Corner, through: Collection[str]) -> dict[str, str]:
        libraries = ["cells.lib", *(f"macro{n}.lib" for n in range(len(corner.macros)))]
        return {
            "SCF_LIBERTY": " ".join(libraries),
            "SCF_NETLIST": "netlist.v",
            "SCF_TOP": self.netlist.name,
            "SCF_SDC": "constraints.sdc",
            "SCF_SDF": "delays.sdf",
            "SCF_THROUGH": " ".join(through),
        }
