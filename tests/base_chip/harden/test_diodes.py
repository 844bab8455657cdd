"""Antenna diodes below routed wires."""

import itertools
import re

import pytest

from base_chip.harden.antennas import Antenna, RoutedBlock, read_antennas
from base_chip.harden.def_wires import PlacedVia, Segment
from base_chip.harden.diodes import main, place_diodes
from base_chip.harden.free_places import read_rules
from base_chip.harden.jumpers import place_jumpers
from rtl_gen.errors import FlowError

LEF = """
LAYER li1
  TYPE ROUTING ;
  DIRECTION VERTICAL ;
  WIDTH 0.17 ;
END li1
LAYER mcon
  TYPE CUT ;
END mcon
LAYER met1
  TYPE ROUTING ;
  DIRECTION HORIZONTAL ;
  WIDTH 0.14 ;
  SPACINGTABLE PARALLELRUNLENGTH 0 WIDTH 0 0.14 ;
END met1
LAYER via
  TYPE CUT ;
END via
LAYER met2
  TYPE ROUTING ;
  DIRECTION VERTICAL ;
  WIDTH 0.14 ;
  SPACINGTABLE PARALLELRUNLENGTH 0 WIDTH 0 0.14 ;
END met2
LAYER via2
  TYPE CUT ;
END via2
LAYER met3
  TYPE ROUTING ;
  DIRECTION HORIZONTAL ;
  WIDTH 0.3 ;
  SPACINGTABLE PARALLELRUNLENGTH 0 WIDTH 0 0.3 ;
  ANTENNADIFFSIDEAREARATIO PWL ( ( 0 400 ) ( 0.0125 400 ) ( 0.0225 2609 ) ( 22.5 11600 ) ) ;
END met3
LAYER via3
  TYPE CUT ;
END via3
LAYER met4
  TYPE ROUTING ;
  DIRECTION VERTICAL ;
  WIDTH 0.3 ;
  SPACINGTABLE PARALLELRUNLENGTH 0 WIDTH 0 0.3 ;
END met4
VIA L1M1_PR DEFAULT
  LAYER mcon ;
  RECT -0.085 -0.085 0.085 0.085 ;
  LAYER li1 ;
  RECT -0.085 -0.085 0.085 0.085 ;
  LAYER met1 ;
  RECT -0.145 -0.115 0.145 0.115 ;
END L1M1_PR
VIA M1M2_PR DEFAULT
  LAYER via ;
  RECT -0.075 -0.075 0.075 0.075 ;
  LAYER met1 ;
  RECT -0.16 -0.13 0.16 0.13 ;
  LAYER met2 ;
  RECT -0.13 -0.16 0.13 0.16 ;
END M1M2_PR
VIA M2M3_PR DEFAULT
  LAYER via2 ;
  RECT -0.1 -0.1 0.1 0.1 ;
  LAYER met2 ;
  RECT -0.14 -0.185 0.14 0.185 ;
  LAYER met3 ;
  RECT -0.165 -0.165 0.165 0.165 ;
END M2M3_PR
VIA M3M4_PR DEFAULT
  LAYER via3 ;
  RECT -0.1 -0.1 0.1 0.1 ;
  LAYER met3 ;
  RECT -0.19 -0.16 0.19 0.16 ;
  LAYER met4 ;
  RECT -0.165 -0.165 0.165 0.165 ;
END M3M4_PR
MACRO gate
  CLASS CORE ;
  SIZE 1.38 BY 2.72 ;
  PIN A
    PORT
      LAYER li1 ;
        RECT 0.2 1.0 0.6 1.6 ;
    END
  END A
END gate
MACRO wide
  CLASS CORE ;
  SIZE 9.2 BY 2.72 ;
END wide
MACRO diode
  CLASS CORE ANTENNACELL ;
  SIZE 0.92 BY 2.72 ;
  PIN DIODE
    ANTENNADIFFAREA 0.4347 ;
    PORT
      LAYER li1 ;
        RECT 0.085 0.255 0.835 2.465 ;
    END
  END DIODE
END diode
END LIBRARY
"""
# Two rows of 20 sites; a gate in the west of the lower one, whose net goes east on met1 and north on met2.
GATE = "- u0 gate + PLACED ( 0 0 ) N ;"
NET = (
    "met1 ( 400 1190 ) ( 6670 * ) NEW met2 ( 6670 1190 ) ( * 4930 ) "
    "NEW li1 ( 400 1190 ) L1M1_PR NEW met1 ( 6670 1190 ) M1M2_PR"
)


def design(
    net: str = NET, cells: tuple[str, ...] = (), wires: tuple[str, ...] = (), blocked: str = ""
) -> str:
    placed = [GATE, *(f"- c{n} {c} ;" for n, c in enumerate(cells))]
    nets = [
        f"- a ( u0 A ) + USE SIGNAL + ROUTED {net} ;",
        *(f"- w{n} + ROUTED {w} ;" for n, w in enumerate(wires)),
    ]
    return "\n".join(
        [
            "VERSION 5.8 ;", "DESIGN tiny ;",
            "UNITS DISTANCE MICRONS 1000 ;", "DIEAREA ( 0 0 ) ( 9200 5440 ) ;",
            "ROW r0 unit 0 0 N DO 20 BY 1 STEP 460 0 ;", "ROW r1 unit 0 2720 FS DO 20 BY 1 STEP 460 0 ;",
            f"COMPONENTS {len(placed)} ;", *placed, "END COMPONENTS",
            f"BLOCKAGES 1 ;\n{blocked}\nEND BLOCKAGES" if blocked else "",
            f"NETS {len(nets)} ;", *nets, "END NETS", "END DESIGN", "",
        ]
    )  # fmt: skip


@pytest.fixture
def lef(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "all.lef"
    path.write_text(LEF)
    return path


def antenna(layer: str = "met1", ratio: float = 500, limit: float = 400) -> Antenna:
    return Antenna("a", "u0/A", layer, ratio, limit)


def found(text: str, lef, *antennas: Antenna):
    return place_diodes(RoutedBlock(text, [lef], "diode"), antennas or [antenna()])


def test_a_diode_goes_below_the_wire_of_its_gate(lef):
    (one,), left = found(design(), lef)
    assert not left
    assert (one.net, one.layer, one.orient) == ("a", "met1", "R0")
    ((at, via),) = one.way
    assert via == "L1M1_PR"
    assert at[1] == 1190  # on the wire
    assert one.at[1] == 0  # in the row below
    assert one.at[0] >= 1380  # beside the gate
    assert one.at[0] % 460 == 0
    assert one.at[0] + 85 + 85 <= at[0] <= one.at[0] + 835 - 85


def test_more_metal_takes_more_diodes_and_none_lies_upon_another(lef):
    # 2,774, 2,948, 3,122 with one, two, three
    many, left = found(design(), lef, antenna(ratio=3000))
    assert len(many) == 3
    assert not left
    places = sorted(one.at[0] for one in many)
    assert all(b - a >= 920 for a, b in itertools.pairwise(places))


def test_a_diode_counts_on_higher_layers_too(lef):
    one, left = found(design(), lef, antenna("met1"), antenna("met2", ratio=900))
    assert len(one) == 1
    assert not left


def test_the_gate_may_be_a_pin_of_a_macro(lef):
    macro = "MACRO memory\n  CLASS BLOCK ;\n  SIZE 2.76 BY 10 ;\nEND memory\nEND LIBRARY\n"
    lef.write_text(LEF.replace("END LIBRARY\n", macro))
    net = "met3 ( 2000 1700 ) ( 8000 * )"
    text = design(net=net).replace(GATE, "- u0 memory + FIXED ( 0 -5000 ) N ;")
    (one,), left = place_diodes(RoutedBlock(text, [lef], "diode"), [antenna("met3")])
    assert not left
    assert one.layer == "met3"
    assert one.at[0] >= 2760  # off the macro
    assert [via for _, via in one.way if via] == ["M2M3_PR", "M1M2_PR", "L1M1_PR"]


def test_what_is_routed_and_placed_stays_free(lef):
    everywhere = ("wide + PLACED ( 1380 0 ) N", "wide + PLACED ( 0 2720 ) FS")
    none, left = found(design(cells=everywhere), lef)
    assert not none
    assert left == [antenna()]
    # Wires on both sides, too close for the metal of a via between them
    fence = ("met1 ( 1000 1490 ) ( 5500 * )", "met1 ( 1000 890 ) ( 5500 * )")
    (one,), left = found(design(wires=fence), lef)
    ((at, _),) = one.way
    assert at[0] - 145 >= 5570 + 140


def test_sites_that_placement_must_not_use_are_not_used(lef):
    blocked = "- PLACEMENT RECT ( 0 0 ) ( 9200 2720 ) ;"
    (one,), _ = found(design(blocked=blocked), lef, antenna("met2"))
    assert one.at[1] == 2720
    assert one.orient == "MX"
    # on met1 alone nothing of the net is near the upper row, but a short wire of its own leads there
    (one,), _ = found(design(blocked=blocked), lef)
    assert one.at[1] == 2720
    assert one.layer == "met1"
    assert [via for _, via in one.way] == ["", "L1M1_PR"]


def test_metal_above_the_layer_does_not_help(lef):
    over = NET.replace("met2", "met3").replace("M1M2_PR", "M1M2_PR NEW met2 ( 6670 1190 ) M2M3_PR")
    blocked = "- PLACEMENT RECT ( 0 0 ) ( 9200 2720 ) ;"
    far = "met1 ( 400 1190 ) ( 1010 * ) NEW met2 ( 1010 1190 ) ( * 1400 ) NEW li1 ( 400 1190 ) L1M1_PR"
    none, left = found(design(net=far + " NEW met1 ( 1010 1190 ) M1M2_PR", blocked=blocked), lef)
    assert not none
    assert left
    assert found(design(net=over), lef, antenna("met3"))[0]


def test_a_report_is_read_by_gate_and_layer():
    report = """Net: a
  Pin:   u0/A (gate)
    Layer: mcon
      Partial area ratio:    9.23
      Required ratio:    3.00 (Gate area) (VIOLATED)
    Layer: met3
      Partial area ratio:   91.48
      Required ratio:    0.00 (Gate area)
      Partial area ratio:  500.00
      Required ratio:  400.00 (Side area) (VIOLATED)
    Layer: met1
      Partial area ratio:  456.78
      Required ratio:  400.00 (Side area) (VIOLATED)
      Cumulative area ratio:  456.78
      Required ratio:    0.00 (Cumulative side area)
"""
    assert read_antennas(report) == [antenna("met1", 456.78), antenna("met3", 500)]


def test_tcl_tells_each_diode(lef, capsys):
    for name, text in (("r.def", design()), ("a.rpt", REPORT)):
        (lef.parent / name).write_text(text)
    assert main(["diode", "D_", "r.def", "a.rpt", "out.tcl", "all.lef"]) == 0
    (line,) = (lef.parent / "out.tcl").read_text().splitlines()
    assert re.fullmatch(r"scf_diode D_0 diode \d+ 0 R0 \{a\} met1 \{\d+ 1190 L1M1_PR\}", line)
    assert "diodes for 1 of 1 antennas: 1" in capsys.readouterr().out


REPORT = """Net: a
  Pin: u0/A (gate)
    Layer: met1
      Partial area ratio: 456.7
      Required ratio: 400.00 (VIOLATED)
"""


# North from the gate for 20 um
LONG = (
    "met1 ( 400 1190 ) ( 1150 * ) NEW met2 ( 1150 1190 ) ( * 21190 ) "
    "NEW li1 ( 400 1190 ) L1M1_PR NEW met1 ( 1150 1190 ) M1M2_PR"
)


def jumper(lef, antenna: Antenna, wires: tuple[str, ...] = ()):
    (one,), left = place_jumpers(RoutedBlock(design(net=LONG, wires=wires), [lef], "diode"), [antenna])
    assert not left
    over = [s for s in one.drawn if isinstance(s, Segment) and s.layer == "met3"]
    cut = [s for s in one.drawn if isinstance(s, Segment) and s.layer == "met2"]
    return one, over, cut


def test_a_jumper_takes_a_piece_of_a_wire_over_the_layer_above(lef):
    one, (over,), (first, second) = jumper(lef, antenna("met2", 2000))
    assert first.start == (1150, 1190)
    assert first.end == over.start
    assert over.end == second.start
    assert second.end == (1150, 21190)
    # a fifth of the wire is left at the gate
    assert first.end[1] - first.start[1] < 0.2 * 20_000
    assert [v.at for v in one.drawn if isinstance(v, PlacedVia) and v.other == "met3"] == [
        over.start,
        over.end,
    ]
    assert one.tcl().startswith("scf_rewire {a} {met1 400 1190 - 1150 1190 -} {met2 1150 1190 - ")


def test_a_jumper_keeps_off_what_is_routed(lef):
    _, (free,), _ = jumper(lef, antenna("met2", 500))
    low, high = free.start[1], free.end[1]
    _, (moved,), _ = jumper(lef, antenna("met2", 500), wires=(f"met3 ( 0 {(low + high) // 2} ) ( 3000 * )",))
    assert moved.start[1] - 150 >= (low + high) // 2 + 150 + 300


def test_where_no_jumper_helps_the_antenna_is_told(lef):
    fence = tuple(f"met3 ( 0 {y} ) ( 3000 * )" for y in range(1000, 22000, 680))
    for wires, one in ((fence, antenna("met2")), ((), antenna("met4")), ((), antenna("met2", 1e6))):
        assert place_jumpers(RoutedBlock(design(net=LONG, wires=wires), [lef], "diode"), [one]) == ([], [one])


def test_jumpers_come_only_when_there_is_room_for_no_diode(lef, capsys):
    report = REPORT.replace("met1", "met2")
    (lef.parent / "a.rpt").write_text(report)
    full = ("wide + PLACED ( 1380 0 ) N", "wide + PLACED ( 0 2720 ) FS")
    (lef.parent / "r.def").write_text(design(net=LONG, cells=full))
    assert main(["diode", "D_", "r.def", "a.rpt", "out.tcl", "all.lef"]) == 0
    assert (lef.parent / "out.tcl").read_text().startswith("scf_rewire {a} ")
    assert "jumpers: 1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (lambda: design().replace("- a (", "- b ("), "no net a"),
        (lambda: design(net="met1 ( 400 1190 ) ( 6670 1200 )"), "not straight"),
    ],
)
def test_what_cannot_be_read_is_named(lef, text, what):
    with pytest.raises(FlowError, match=what):
        found(text(), lef)


def test_a_lef_without_the_diode_is_named():
    with pytest.raises(FlowError, match="diode nothing needs"):
        read_rules(LEF, "nothing")


def test_a_number_of_diodes_that_cannot_be_is_named(lef):
    with pytest.raises(FlowError, match="65 diodes do not do for a"):
        found(design(), lef, antenna(ratio=1e6))
