"""The characterisation with ngspice and Magic."""

import re
import shutil

import numpy as np
import pytest

from base_chip.bank import BankSpec, build_bank, program_bank, write_layout
from base_chip.bank.characterise.column import Column
from base_chip.bank.characterise.corners import corners
from base_chip.bank.characterise.deck import Deck
from base_chip.bank.characterise.models import model_text
from base_chip.bank.characterise.ngspice import measure
from flow.pdk.magic_tech import tech_for_magic
from flow.pdk.providers import find_pdk
from signoff import lvs
from signoff.eda import MAGIC

pytestmark = pytest.mark.flow
CORNERS = corners("sky130")
SMALL = BankSpec(8, 16)
LEVELS = {"read": ("t80", "t50", "t25", "t20"), "precharge": ("t20", "t50", "t80", "t95")}


def needs(*exes: str) -> pytest.MarkDecorator:
    absent = [exe for exe in exes if shutil.which(exe) is None]
    return pytest.mark.skipif(bool(absent), reason=f"not on PATH: {', '.join(absent)}")


def read_ns(spec, corner, library):
    """From the word line to half of the supply on the bit line."""
    deck = Deck(Column(spec, corner, corner.late), model_text(spec, library, corner.process))
    return 1e9 * measure(lambda stop: deck.read(0.5, 30, stop), 20)["t50"]


@needs("ngspice")
@pytest.mark.parametrize("less", [BankSpec(32, 64), BankSpec(64, 32)], ids=["rows", "columns"])
def test_half_the_bank_is_faster(less, library):
    full, half = (read_ns(spec, CORNERS["tt_025C_1v80"], library) for spec in (BankSpec(64, 64), less))
    assert half < 0.95 * full


@needs("ngspice")
@pytest.mark.parametrize("late", [True, False], ids=["late", "early"])
@pytest.mark.parametrize("what", ["read", "precharge"])
def test_multiplied_transistors_are_as_many_single_ones(what, late, library):
    """A simulator that drops a multiplier makes a bit line light and a bank fast."""
    spec, corner = BankSpec(16, 16), CORNERS["tt_025C_1v80"]
    deck = Deck(Column(spec, corner, late), model_text(spec, library, corner.process))

    def one_by_one(stop: float) -> str:
        def copies(found: re.Match[str]) -> str:
            name, rest, count = found.groups()
            return "\n".join(f"{name}_{n} {rest}" for n in range(int(count)))

        return re.sub(r"^(X\S+) (.*) m=(\d+)$", copies, getattr(deck, what)(0.5, 30, stop), flags=re.M)

    assert " m=" not in one_by_one(10)
    multiplied = measure(lambda stop: getattr(deck, what)(0.5, 30, stop), 10)
    single = measure(one_by_one, 10)
    for name in (*LEVELS[what], "charge"):
        assert multiplied[name] == pytest.approx(single[name], rel=1e-3), name


@needs("ngspice")
def test_a_bit_line_weighs_its_wire_and_every_drain(library):
    """Charge from the supply, a row: the wire's, and more than 0.2 fF of drains."""
    corner = CORNERS["tt_025C_1v80"]
    supply = "\n.measure tran supply integ i(vdd) from=0.9n to=19n\n.end\n"

    def farads(rows: int) -> float:
        spec = BankSpec(rows, 16)
        deck = Deck(Column(spec, corner, True), model_text(spec, library, corner.process))
        found = measure(lambda stop: deck.precharge(0.5, 30, stop).replace("\n.end\n", supply), 20)
        return -found["supply"] / spec.bit_lines / corner.volts * 1e15

    row = (farads(128) - farads(64)) / 64
    wire = corner.wires.farads["bit_line"]["set"] + 2 * corner.wires.farads["neighbour"]["set"]
    assert wire + 0.2 < row < wire + 0.8


@needs("magic")
def test_wires_are_those_that_magic_extracts(sky130, tmp_path):
    """What 32 more rows add to a bit line, and a via at each; without what Magic gets wrong."""
    tech = tech_for_magic(find_pdk(sky130).path("magic_tech"), MAGIC.version())
    wires = CORNERS["tt_025C_1v80"].wires

    def bit_line(rows: int, kind: str) -> float:
        spec = BankSpec(rows, 32)
        folder = tmp_path / f"{rows}_{kind}"
        folder.mkdir()
        layout = build_bank(spec)
        program_bank(layout, spec, np.full((rows, 32), kind == "set"))
        write_layout(layout, folder / "bank.gds")
        lvs.extract(folder / "bank.gds", spec.name, tech, folder)
        text = (folder / f"{spec.name}.ext").read_text()
        total = float(re.search(r'^node "BL\[16\]" \S+ (\S+)', text, re.M).group(1))
        for a, b, value in re.findall(r'^cap "(\S+)" "(\S+)" (\S+)', text, re.M):
            other = {a, b} - {"BL[16]"}
            if "BL[16]" in (a, b) and not other.pop().startswith("BL["):
                total += float(value)
        return total / 1000

    for kind in ("set", "empty"):
        more = (bit_line(64, kind) - bit_line(32, kind)) / 32
        assert more == pytest.approx(wires.farads["bit_line"][kind], rel=0.02), kind
