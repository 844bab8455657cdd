"""Static timing across the seams of a die of tiles, with the delays of the tiles on both sides."""

__all__ = ["SeamCorner", "TileTiming", "Timed", "Wire", "capacitances", "flat_die", "later", "run"]

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from signoff.eda import OPENSTA
from signoff.netlist import Netlist, read_netlist
from signoff.result import CheckResult
from signoff.seams.flat import FlatDie, Tile, flat_delays, flat_verilog, flatten
from signoff.timing.analysis import Chip, Corner, Found
from signoff.timing.edges import with_edges

_SHOWN = 3
_KINDS = ("setup", "hold")
_EAST = "west_"  # begins the names of pins by which a tile takes what comes with its clock
_TABLE = re.compile(r'cell_(?:rise|fall)\(\w+\) \{\s*index_1\("([^"]*)"\);\s*values\("([^"]*)"\)', re.S)
_PIN = re.compile(r'^\s*pin\("([^"]+)"\) \{(.*?)^    \}', re.S | re.M)


@dataclass(frozen=True)
class TileTiming:
    """Of a tile in one corner: what the router left."""

    netlist: Path
    sdf: Path
    liberty: Path


@dataclass(frozen=True)
class SeamCorner:
    """A corner.

    Attributes:
        corner: Constraints of the die, and liberty of the macros in tiles; its SDF is not looked at.
        tiles: By cell.
    """

    corner: Corner
    tiles: Mapping[str, TileTiming]


@dataclass(frozen=True)
class Wire:
    """A wire of the die itself: its delay in ns, and its capacitance in pF."""

    ns: float
    pf: float


@dataclass(frozen=True)
class Timed:
    """A die for timing.

    Attributes:
        netlist: Without supplies.
        cells: Folder of the kit's cells.
        macros: Cells in tiles that are not the kit's.
        wires: Of the margin, by the pin at which they end, such as "rom_0_0.clk".
    """

    netlist: Netlist
    cells: Path
    macros: Sequence[str]
    wires: Mapping[str, Wire]


def run(
    die: Timed, corners: Sequence[SeamCorner], folder: Path
) -> tuple[list[CheckResult], dict[str, float]]:
    """Check all that crosses a seam, in every corner; and in the first with planted faults.

    Args:
        die: The die.
        corners: At least one.
        folder: For all files; made if missing.

    Returns:
        The rows `seam_sta_<corner>` and `seam_sta_control`; and metrics: ns to spare at the seams.
    """
    names = [*(f"seam_sta_{c.corner.name}" for c in corners), "seam_sta_control"]
    if missing := OPENSTA.missing(names[0]):
        return [replace(missing, name=n) for n in names], {}
    rows, metrics = [], {}
    first: dict[str, tuple[float, float]] | None = None
    read = _Read.of(die, corners[0], folder)
    for c in corners:
        flat, found = _analyse(read, c, folder / c.corner.name, {})
        if not (slacks := _at_seams(flat, found)):
            raise OPENSTA.failed("there is no path across a seam", folder / c.corner.name)
        first = first or slacks
        rows.append(_row(c, flat, found))
        for n, kind in enumerate(_KINDS):
            metrics[f"seam_sta_{c.corner.name}_{kind}_ns"] = min(s[n] for s in slacks.values())
    assert first
    rows.append(_control(read, corners[0], folder / "control", first))
    return rows, metrics


def later(liberty: str, loads: Mapping[str, float]) -> dict[str, float]:
    """ns by which outputs of a tile change later with a load than with none, as the tile's delays have it.

    Args:
        liberty: Timing model of the tile.
        loads: pF at each output.
    """
    found = {}
    for pin, body in _PIN.findall(liberty):
        if not loads.get(pin):
            continue
        tables = [([*map(float, a.split(","))], [*map(float, b.split(","))]) for a, b in _TABLE.findall(body)]
        found[pin] = max((_at(loads[pin], *table) - _at(0.0, *table) for table in tables), default=0.0)
    return found


def capacitances(liberty: str) -> dict[str, float]:
    """pF of each pin in a tile's timing model."""
    found = {}
    for pin, body in _PIN.findall(liberty):
        if value := re.search(r"^\s*capacitance : ([\d.]+);", body, re.M):
            found[pin] = float(value[1])
    return found


def _at(load: float, index: Sequence[float], values: Sequence[float]) -> float:
    """A table at a load, linear between its points and beyond the last."""
    n = next((k for k in range(1, len(index) - 1) if load <= index[k]), len(index) - 1)
    share = (load - index[n - 1]) / (index[n] - index[n - 1])
    return values[n - 1] + share * (values[n] - values[n - 1])


def flat_die(die: Timed, tiles: Mapping[str, TileTiming], late: Mapping[str, float] | None = None) -> FlatDie:
    """The die without hierarchy, with the delays of a corner.

    Args:
        die: The die.
        tiles: By cell, in that corner.
        late: ns that are added at a pin of a tile, such as "rom_0_1.clk".
    """
    netlists = {cell: read_netlist(t.netlist) for cell, t in tiles.items()}
    return flatten(die.netlist, _timed_tiles(die, netlists, tiles), _more(die, late or {}))


def _timed_tiles(
    die: Timed, netlists: Mapping[str, Netlist], tiles: Mapping[str, TileTiming]
) -> dict[str, Tile]:
    liberty = {cell: t.liberty.read_text("utf-8") for cell, t in tiles.items()}
    inputs = {cell: capacitances(text) for cell, text in liberty.items()}
    return {
        cell: Tile(netlists[cell], t.sdf.read_text("utf-8"), later(liberty[cell], _loads(die, cell, inputs)))
        for cell, t in tiles.items()
    }


def _more(die: Timed, late: Mapping[str, float]) -> dict[str, float]:
    """ns that are added at pins of tiles."""
    wires = {pin: wire.ns for pin, wire in die.wires.items()}
    return {pin: wires.get(pin, 0.0) + late.get(pin, 0.0) for pin in {*wires, *late}}


@dataclass(frozen=True)
class _Read:
    """What all corners have in common.

    Attributes:
        netlists: Of the tiles, by cell.
        verilog: Of the die without hierarchy; `chip`: the same, read.
    """

    die: Timed
    netlists: Mapping[str, Netlist]
    verilog: str
    chip: Chip

    @classmethod
    def of(cls, die: Timed, c: SeamCorner, folder: Path) -> "_Read":
        """From the netlists that a corner names, which are those of every corner."""
        folder.mkdir(parents=True, exist_ok=True)
        netlists = {cell: read_netlist(t.netlist) for cell, t in c.tiles.items()}
        verilog, path = flat_verilog(die.netlist, netlists), folder / "die.v"
        path.write_text(verilog)
        return cls(die, netlists, verilog, Chip.read(path, die.cells, die.macros))


def _analyse(read: _Read, c: SeamCorner, folder: Path, late: Mapping[str, float]) -> tuple[FlatDie, Found]:
    tiles = _timed_tiles(read.die, read.netlists, c.tiles)
    flat = FlatDie(read.verilog, *flat_delays(read.die.netlist, tiles, _more(read.die, late)))
    edged = with_edges(flat.sdf, read.chip.cells)
    return flat, read.chip.analyse(c.corner, edged, folder, _followed(flat))


def _loads(die: Timed, cell: str, inputs: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """The largest load of each output of a kind of tile, pF: inputs of others, and wires to them."""
    taken: dict[str, float] = defaultdict(float)
    driven: list[tuple[str, str]] = []
    for instance in die.netlist.instances.values():
        for port, nets in instance.pins.items():
            for net, bit in _bits(port, nets):
                wire = die.wires.get(f"{instance.name}.{bit}")
                taken[net] = max(taken[net], inputs[instance.cell].get(bit, 0.0) + (wire.pf if wire else 0.0))
                if instance.cell == cell and net:
                    driven.append((net, bit))
    found: dict[str, float] = {}
    for net, bit in driven:
        found[bit] = max(found.get(bit, 0.0), taken[net])
    return found


def _bits(port: str, nets: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Net and name of each bit of a port."""
    if len(nets) == 1:
        yield nets[0], port
    else:
        yield from ((net, f"{port}[{len(nets) - 1 - n}]") for n, net in enumerate(nets))


def _followed(flat: FlatDie) -> list[str]:
    """Pins of cells behind seams through which there are paths: clocks end at none, diodes at nothing."""
    return [end for end, pin in flat.seams.items() if not (end.endswith("/DIODE") or _is_clock(pin))]


def _is_clock(pin: str) -> bool:
    return pin.rpartition(".")[2] == "clk"


def _at_seams(flat: FlatDie, found: Found) -> dict[str, tuple[float, float]]:
    """Setup and hold slack (ns) of what crosses seams, by the pin of the tile that it comes by."""
    here: dict[str, tuple[float, float]] = {}
    for end, slacks in found.report.through.items():
        pin = flat.seams[end]
        was = here.get(pin, slacks)
        here[pin] = min(was[0], slacks[0]), min(was[1], slacks[1])
    return here


def _row(c: SeamCorner, flat: FlatDie, found: Found) -> CheckResult:
    slacks = _at_seams(flat, found)
    worst = [min((s[n], pin) for pin, s in slacks.items()) for n in range(2)]
    faults = [
        f"{kind} {pin} by {-s[n]:.3f} ns"
        for n, kind in enumerate(_KINDS)
        for pin, s in sorted(slacks.items(), key=lambda x: x[1][n])
        if s[n] < 0
    ]
    faults += [f"no delay: {x}" for x in found.lost]
    crossing = {pin for pin in flat.seams.values() if not _is_clock(pin)}
    faults += [f"no path through {pin}" for pin in sorted(crossing - set(slacks))]
    detail = f"{c.corner.period:g} ns, {len(slacks)} pins at seams: " + ", ".join(
        f"{kind} {slack:.3f} ns to spare at {pin}" for kind, (slack, pin) in zip(_KINDS, worst, strict=True)
    )
    told = "; ".join([*faults[:_SHOWN], detail])
    return _result(f"seam_sta_{c.corner.name}", len(faults), faults[0] if faults else "", told)


def _control(
    read: _Read, c: SeamCorner, folder: Path, slacks: Mapping[str, tuple[float, float]]
) -> CheckResult:
    """A clock that comes too late to a tile for hold, and elsewhere a wire that is too slow for setup."""
    late: dict[str, float] = {}
    tile = max((pin.partition(".")[0] for pin in slacks if f".{_EAST}" in pin), default="")
    if tile:
        late[f"{tile}.clk"] = max(min(s[1] for pin, s in slacks.items() if pin.startswith(f"{tile}.")), 0) + 1
    spare, slow = min((s[0], pin) for pin, s in slacks.items() if not (tile and pin.startswith(f"{tile}.")))
    late[slow] = max(spare, 0) + 1
    now = _at_seams(*_analyse(read, c, folder, late))
    planted = {f"{slow} later by {late[slow]:.2f} ns": now[slow][0] < 0}
    if tile:
        told = any(s[1] < 0 for pin, s in now.items() if pin.startswith(f"{tile}."))
        planted[f"{tile}.clk later by {late[f'{tile}.clk']:.2f} ns"] = told
    lost = [what for what, seen in planted.items() if not seen]
    seen = [what for what, ok in planted.items() if ok]
    return _result(
        "seam_sta_control",
        len(lost),
        f"not found: {', '.join(lost)}" if lost else "",
        f"found: {', '.join(seen)}",
    )


def _result(name: str, count: int, reason: str, detail: str) -> CheckResult:
    status = "fail" if count else "pass"
    return CheckResult(name, OPENSTA.name, OPENSTA.version(), count, 0, status, reason, detail)
