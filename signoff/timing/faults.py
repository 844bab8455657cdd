"""Faults of every kind that static timing has to find, planted in one corner's SDF."""

__all__ = ["Planted", "plant"]

from collections.abc import Callable
from dataclasses import dataclass

from signoff.timing.analysis import Chip, Corner, Found
from signoff.timing.cells import Flop
from signoff.timing.edges import Edged, with_edges
from signoff.timing.plant import lengthen, without

MARGIN = 0.05  # of the period: by how much a planted fault misses


@dataclass(frozen=True)
class Planted:
    """SDF with faults, and of each fault its name and whether an analysis found it."""

    sdf: Edged
    faults: dict[str, Callable[[Found], bool]]


def plant(chip: Chip, corner: Corner, sdf: Edged, found: Found) -> Planted:
    """Slow wires down by what they have to spare and a little more, and leave a cell out.

    Args:
        chip: The chip.
        corner: In which `found` was found.
        sdf: Its delays.
        found: In the SDF as it is.

    Raises:
        ValueError: The chip has no place for one of the faults.
    """
    margin = MARGIN * corner.period
    taken: set[str] = set()

    def victim(slacks: dict[str, float]) -> tuple[str, float]:
        """The data pin of a flop with the least slack, of a flop not yet used."""
        for name, slack in sorted(slacks.items(), key=lambda x: (x[1], x[0])):
            instance, _, pin = name.rpartition("/")
            cell = chip.cells.get(chip.netlist.instances[instance].cell) if instance else None
            if cell and isinstance(cell.storage, Flop) and pin == cell.storage.data and instance not in taken:
                taken.add(instance)
                return name, slack
        raise ValueError("no path ends at a flop")

    late, slack = victim(dict(found.report.setup))
    text = lengthen(sdf.text, late, *[max(slack, 0) + margin] * 2)
    early, slack = victim(dict(found.report.hold))
    clock = early.rpartition("/")[0]
    flop = chip.cells[chip.netlist.instances[clock].cell].storage
    assert isinstance(flop, Flop)
    text = lengthen(text, f"{clock}/{flop.clock}", *[max(slack, 0) + margin] * 2)
    faults: dict[str, Callable[[Found], bool]] = {
        f"setup {late}": lambda f: f.report.setup.get(late, 0) < 0,
        f"hold {early}": lambda f: f.report.hold.get(early, 0) < 0,
    }
    gone = _plain_cell(chip, taken)
    text = without(text, gone)
    faults[f"{gone} without delays"] = lambda f: any(gone in place for place in f.lost)
    again = with_edges(text, chip.cells)
    return Planted(Edged(text, sdf.pairs + again.pairs, again.gaps), faults)


def _plain_cell(chip: Chip, taken: set[str]) -> str:
    """A gate with one output, none of those that other faults need."""
    for instance in chip.netlist.instances.values():
        cell = chip.cells.get(instance.cell)
        if cell and not cell.storage and cell.inputs and cell.outputs and instance.name not in taken:
            return instance.name
    raise ValueError("there is no gate")
