"""March C- on the transistors that Magic extracts from an SRAM macro, as switches of three strengths.

Switches know no currents, so they are told apart by size: p transistors of the least width (cells, keepers)
give way to all others; n transistors of the least width that do not reach ground (access, and those
between the nodes of a latch) give way to what reaches ground. Whether real cells agree is what their margins
tell (`characterise/mismatch.py`).
"""

import numpy as np
import pytest

from base_chip.arrays.sram.layout import build_sram
from base_chip.arrays.sram.spec import SramSpec
from base_chip.bank.layout import write_layout
from signoff import lvs
from tests.kit import needs

pytestmark = [pytest.mark.flow, needs("magic")]
SPEC = SramSpec(8, 8)
LEAST = "w=420000u"
UNKNOWN = 2
WEAK, LESS, FULL = 1, 2, 3
SUPPLY = 4


def transistors(netlist: str) -> list[list[str]]:
    """Drain, gate, source, bulk, model and sizes of each."""
    lines = netlist.replace("\n+", " ").splitlines()
    return [line.split()[1:] for line in lines if line.startswith("X")]


class Switches:
    """Transistors that all take one step to switch; nodes that nothing drives keep their level."""

    def __init__(self, devices: list[list[str]]) -> None:
        names = sorted({net for device in devices for net in device[:3]})
        self.index = {name: n for n, name in enumerate(names)}
        self.ends = np.array([[self.index[d[0]], self.index[d[2]]] for d in devices])
        self.gate = np.array([self.index[d[1]] for d in devices])
        self.on_level = np.array([0 if "pfet" in d[4] else 1 for d in devices])
        self.strength = np.array([self._strength(d) for d in devices])
        self.level = np.full(len(names), UNKNOWN)
        self.forced = {"VPWR": 1, "VGND": 0}

    @staticmethod
    def _strength(device: list[str]) -> int:
        if LEAST not in device:
            return FULL
        return WEAK if "pfet" in device[4] else FULL if "VGND" in (device[0], device[2]) else LESS

    def settle(self, **forced: int) -> None:
        """Force inputs, and step until nothing changes."""
        self.forced |= {name.replace("__", "[") + "]" * ("__" in name): v for name, v in forced.items()}
        for _ in range(200):
            before = self.level.copy()
            self._step()
            if (before == self.level).all():
                return
        raise AssertionError("the network oscillates")

    def _step(self) -> None:
        gate = self.level[self.gate]
        sure = [self._reach(gate == self.on_level, level) for level in (0, 1)]
        maybe = [self._reach((gate == self.on_level) | (gate == UNKNOWN), level) for level in (0, 1)]
        new = np.where(np.maximum(*maybe) > 0, UNKNOWN, self.level)
        new = np.where(sure[0] > maybe[1], 0, new)
        self.level = np.where(sure[1] > maybe[0], 1, new)
        for name, level in self.forced.items():
            self.level[self.index[name]] = level

    def _reach(self, on: np.ndarray, level: int) -> np.ndarray:
        """Strength with which a level comes to each node: that of the weakest switch of the best way."""
        reach = np.zeros(len(self.level), int)
        own = [self.index[name] for name, forced in self.forced.items() if forced == level]
        other = [self.index[name] for name, forced in self.forced.items() if forced != level]
        ends, strength = self.ends[on], self.strength[on]
        while True:
            reach[own] = SUPPLY
            before = reach.copy()
            for a, b in ((0, 1), (1, 0)):
                np.maximum.at(reach, ends[:, b], np.minimum(reach[ends[:, a]], strength))
                reach[other] = 0  # no way leads through an input or a supply
            if (before == reach).all():
                return reach


class Ram:
    """Cycles of a macro."""

    def __init__(self, devices: list[list[str]]) -> None:
        self.switches = Switches(devices)
        self._set(clk=1, enable=0, write__0=0, b_n__0=0)

    def _set(self, word: int = 0, value: int = 0, **pins: int) -> None:
        a = {f"a__{n}": int(n == word) for n in range(8)}
        d = {f"d__{n}": value >> n & 1 for n in range(8)}
        self.switches.settle(**a, **d, **pins)

    def cycle(self, word: int, value: int, **pins: int) -> None:
        for clk in (1, 0, 1):
            self._set(word, value, clk=clk, **pins)
        self._set(word, value, clk=1, enable=0, write__0=0)

    def put(self, word: int, value: int) -> None:
        self.cycle(word, value, write__0=1)

    def get(self, word: int) -> list[int]:
        self.cycle(word, 0, enable=1)
        return [int(self.switches.level[self.switches.index[f"q[{n}]"]]) for n in range(8)]


def march(devices: list[list[str]]) -> tuple[int, int]:
    """Reads of March C-, and how many of them were wrong."""
    ram, reads = Ram(devices), []
    up, down = range(SPEC.words), range(SPEC.words - 1, -1, -1)
    for word in up:
        ram.put(word, 0)
    for words, old, new in ((up, 0, 255), (up, 255, 0), (down, 0, 255), (down, 255, 0)):
        for word in words:
            reads.append(ram.get(word) == [old & 1] * 8)
            ram.put(word, new)
    reads += [ram.get(word) == [0] * 8 for word in up]
    return len(reads), reads.count(False)


@pytest.fixture(scope="module")
def devices(kit, tmp_path_factory):
    folder = tmp_path_factory.mktemp("ram_march")
    write_layout(build_sram(SPEC), folder / "ram.gds")
    return transistors(lvs.extract(folder / "ram.gds", SPEC.name, kit.tech, folder).read_text())


def test_march_c(devices):
    assert len(devices) > 8 * SPEC.words * SPEC.bits
    assert march(devices) == (40, 0)


def test_march_c_misses_no_access_transistor(devices):
    least = [n for n, d in enumerate(devices) if Switches._strength(d) == LESS]
    missing = least[len(least) // 2]
    reads, errors = march(devices[:missing] + devices[missing + 1 :])
    assert reads == 40
    assert errors > 0
