"""What cells take from the supply: a table that is made once from liberty, as a user's machine has none.

    python -m base_chip.pdk.energies sky130 FOLDER_OF_LIBERTY

writes `energies.json` of the PDK anew. Energies are those of a whole cycle, a rise and a fall: liberty's
tables for the two hold half of C*V^2 each, with opposite signs, so their sum is what the cell takes inside,
whatever its load. They are read at the input transition nearest to `SLEW` and the load nearest to `LOAD`; a
pin with several tables, by condition or by the input that causes it, has their mean.
"""

__all__ = ["CellEnergy", "PinEnergy", "by_condition", "from_liberty", "load_energies"]

import gzip
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path

import msgspec

from base_chip.pdk import Pdk, load_pdk
from base_chip.pdk.place_route import load_place_route
from rtl_gen.errors import FlowError

NAME = "energies.json"
SLEW, LOAD = 0.1, 0.01  # ns, pF
_DIGITS = 4


class PinEnergy(msgspec.Struct, frozen=True):
    """A pin of a cell in one corner.

    Attributes:
        pf: Capacitance of an input; 0 of an output.
        pj: Taken inside of the cell while the pin rises and falls once, load apart.
    """

    pf: float
    pj: float


class CellEnergy(msgspec.Struct, frozen=True):
    """A cell in one corner.

    Attributes:
        nw: Leakage, mean over its states.
        pins: By name.
    """

    nw: float
    pins: Mapping[str, PinEnergy]


def load_energies(pdk: Pdk) -> Mapping[str, Mapping[str, CellEnergy]]:
    """By corner of the liberty and cell; FlowError when the table is damaged."""
    path = resources.files("base_chip.pdk").joinpath(pdk.name, NAME)
    kind = dict[str, dict[str, tuple[float, dict[str, tuple[float, float]]]]]
    try:
        table = msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.MsgspecError) as e:
        raise FlowError(
            f"no table of energies ({e})", where=f"{pdk.name}/{NAME}",
            hint="git checkout base_chip/pdk, or make it again: python -m base_chip.pdk.energies",
        ) from e  # fmt: skip
    return {
        corner: {
            cell: CellEnergy(nw, {pin: PinEnergy(*values) for pin, values in pins.items()})
            for cell, (nw, pins) in cells.items()
        }
        for corner, cells in table.items()
    }


def from_liberty(text: str, prefix: str) -> dict[str, CellEnergy]:
    """The cells of a liberty text, by their names without the library's prefix; of a bus, what each bit has.

    Raises:
        ValueError: A pin's table is not one of liberty's two forms.
    """
    found = {}
    for name, body in _groups(text, "cell"):
        leak = re.search(r"^ *cell_leakage_power : ([\d.eE+-]+);", body, re.M)
        pins = {pin: _pin(inside) for kind in ("pin", "bus") for pin, inside in _groups(body, kind)}
        found[name.removeprefix(prefix)] = CellEnergy(_short(float(leak.group(1)) if leak else 0.0), pins)
    return found


def by_condition(text: str, pin: str) -> dict[str, float]:
    """pJ of a cycle of a pin of the only cell of a liberty text, by the condition; "" where there is none.

    Raises:
        ValueError: A pin's table is not one of liberty's two forms.
    """
    found = {}
    for _, power in _groups(dict(_groups(text, "pin"))[pin], "internal_power"):
        when = re.search(r'^ *when : "([^"]*)";', power, re.M)
        found[when.group(1) if when else ""] = _cycle(power)
    return found


def _cycle(power: str) -> float:
    """What a rise and a fall take."""
    return sum(_value(table) for edge in ("rise_power", "fall_power") for _, table in _groups(power, edge))


def _pin(body: str) -> PinEnergy:
    capacitance = re.search(r"^ *capacitance : ([\d.eE+-]+);", body, re.M)
    cycles = [_cycle(power) for _, power in _groups(body, "internal_power")]
    mean = sum(cycles) / len(cycles) if cycles else 0.0
    output = re.search(r'^ *direction : "output";', body, re.M)
    pf = float(capacitance.group(1)) if capacitance and not output else 0.0
    return PinEnergy(_short(pf), _short(mean))


def _value(table: str) -> float:
    """The entry of a table of one or two axes that is nearest to the transition and load."""
    axes = [
        [float(x) for x in values.split(",")] for values in re.findall(r'index_\d\s*\(\s*"([^"]*)"', table)
    ]
    values = re.search(r"values\s*\((.*?)\)", table, re.S)
    if values is None or not axes:
        if values is None:
            raise ValueError(f"a power table without values: {table[:60]!r}")
        (only,) = re.findall(r'"([^"]*)"', values.group(1))
        return float(only)
    rows = [[float(x) for x in row.split(",")] for row in re.findall(r'"([^"]*)"', values.group(1))]
    slew = _nearest(axes[0], SLEW)
    if len(axes) == 1:
        return [x for row in rows for x in row][slew]
    return rows[slew][_nearest(axes[1], LOAD)]


def _nearest(axis: Sequence[float], value: float) -> int:
    return min(range(len(axis)), key=lambda n: abs(axis[n] - value))


def _groups(text: str, kind: str) -> Iterator[tuple[str, str]]:
    """Name and body of each group of a kind: what is between its braces."""
    for start in re.finditer(rf'^ *{kind} ?\(\s*"?([^")]*)"?\s*\) ?\{{', text, re.M):
        depth, end = 1, start.end()
        while depth:
            brace = _BRACE.search(text, end)
            if brace is None:
                raise ValueError(f"a group {kind} without an end")
            depth += 1 if brace.group() == "{" else -1
            end = brace.end()
        yield start.group(1), text[start.end() : end - 1]


_BRACE = re.compile(r"[{}]")


def _short(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def _main(name: str, folder: Path) -> None:
    pdk = load_pdk(name)
    facts = load_place_route(pdk)
    lines = []
    for corner in facts.corners.values():
        path = folder / f"{facts.library}__{corner.liberty}.lib.gz"
        cells = from_liberty(gzip.decompress(path.read_bytes()).decode(), f"{facts.library}__")
        rows = []
        for cell, e in sorted(cells.items()):
            values = [e.nw, {pin: [x.pf, x.pj] for pin, x in e.pins.items()}]
            rows.append(f'  "{cell}": {msgspec.json.encode(values).decode()}')
        lines.append(f' "{corner.liberty}": {{\n' + ",\n".join(rows) + "\n }")
    out = Path(str(resources.files("base_chip.pdk").joinpath(name, NAME)))
    out.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]))
