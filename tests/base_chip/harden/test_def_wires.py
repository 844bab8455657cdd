"""Wires of a DEF, segment by segment."""

from pathlib import Path

import klayout.db as kdb
import pytest

from base_chip.harden.def_wires import Tech, read_tech, read_wires
from flow.pdk.providers import find_pdk
from rtl_gen.errors import FlowError

TECH = Tech(
    {"met1": 0.14, "met2": 0.14, "met3": 0.3},
    frozenset({"met1", "met3"}),
    {"M1M2_PR": ("met1", "met2"), "M2M3_PR": ("met2", "met3")},
)


def design(*nets: str, before: str = "") -> str:
    lines = "\n".join(f"    - {net} ;" for net in nets)
    return f"""VERSION 5.8 ;
DESIGN tiny ;
UNITS DISTANCE MICRONS 1000 ;
DIEAREA ( 0 0 ) ( 20000 10000 ) ;
{before}
NETS {len(nets)} ;
{lines}
END NETS
END DESIGN
"""


def area(boxes) -> str:
    return str(kdb.Region([kdb.Box(*b) for b in boxes]).merged())


def drawn(routing: str, **more: str) -> dict[str, list]:
    return read_wires(design(f"a ( u0 A ) + USE SIGNAL + ROUTED {routing}", **more), TECH, 0.001).boxes


@pytest.mark.parametrize(
    ("routing", "boxes"),
    [
        ("met1 ( 0 0 ) ( 1000 * )", {"met1": [(-70, -70, 1070, 70)]}),
        ("met1 ( 1000 0 30 ) ( 0 * 0 )", {"met1": [(0, -70, 1030, 70)]}),
        ("met3 ( 0 0 0 ) ( * 900 )", {"met3": [(-150, 0, 150, 1050)]}),
        ("met2 ( 50 60 ) RECT ( -70 -80 90 100 )", {"met2": [(-20, -20, 140, 160)]}),
        ("met1 ( 0 0 ) VIRTUAL ( 500 * ) ( 1000 * )", {"met1": [(430, -70, 1070, 70)]}),
        ("met1 ( 0 0 ) M1M2_PR", {}),
        (
            "met1 ( 0 0 ) ( 1000 * ) M1M2_PR ( * 500 ) NEW met3 ( 0 0 ) ( 10 * )",
            {
                "met1": [(-70, -70, 1070, 70)],
                "met2": [(930, -70, 1070, 570)],
                "met3": [(-150, -150, 160, 150)],
            },
        ),
    ],
)
def test_a_segment_is_a_rectangle(routing, boxes):
    assert drawn(routing) == boxes


@pytest.mark.parametrize("end", ["", " 0", " 70"])
@pytest.mark.parametrize("jog", [10, 50, 140, 500])
def test_a_jog_is_as_wide_as_the_wire(end, jog):
    routing = f"met1 ( 0 0 ) ( 1000 *{end} ) NEW met1 ( 1000 0{end} ) ( * {jog}{end} )"
    boxes = drawn(f"{routing} NEW met1 ( 1000 {jog}{end} ) ( 2000 * )")["met1"]
    region = kdb.Region([kdb.Box(*b) for b in boxes]).merged()
    assert region.count() == 1
    assert region.width_check(140).count() == 0
    assert region.bbox() == kdb.Box(-70, -70, 2070, jog + 70)


def test_an_end_without_an_extension_in_the_middle_of_a_wire_adds_nothing():
    boxes = drawn("met1 ( 0 0 ) ( 1000 * ) NEW met1 ( 500 0 0 ) ( * 500 0 )")["met1"]
    assert area(boxes) == area([(-70, -70, 1070, 70), (430, 0, 570, 500)])


def test_vias_alone_are_left_for_the_reader():
    text = design(
        "a ( u0 A ) + ROUTED met1 ( 0 0 ) ( 1000 * ) M1M2_PR FS ( * 500 ) M2M3_PR NEW met1 ( 5 6 ) M1M2_PR",
        "b ( u1 A ) + ROUTED met1 ( 0 900 ) ( 1000 * ) + USE CLOCK",
    )
    rest = read_wires(text, TECH, 0.001).rest
    assert rest == design(
        "a + ROUTED met1 ( 1000 0 ) M1M2_PR FS NEW met2 ( 1000 500 ) M2M3_PR NEW met1 ( 5 6 ) M1M2_PR"
    ).replace("    - a", "- a")


def test_a_rule_of_the_net_widens_what_is_not_tapered():
    rule = "NONDEFAULTRULES 1 ;\n - wide + LAYER met1 WIDTH 280 SPACING 280 ;\nEND NONDEFAULTRULES"
    text = design(
        "a ( u0 A ) + NONDEFAULTRULE wide + ROUTED met1 ( 0 0 ) ( 10 * ) NEW met1 TAPER ( 0 0 ) ( 10 * )",
        before=rule,
    )
    assert read_wires(text, TECH, 0.001).boxes == {"met1": [(-140, -140, 150, 140), (-70, -70, 80, 70)]}


def test_vias_of_the_design_are_known():
    rects = " ".join(f"+ RECT {layer} ( 0 0 ) ( 9 9 )" for layer in ("met1", "via", "met2"))
    vias = f"VIAS 1 ;\n - v {rects} ;\nEND VIAS"
    assert drawn("met2 ( 0 0 ) v ( 1000 * )", before=vias) == {"met1": [(-70, -70, 1070, 70)]}


@pytest.mark.parametrize(
    "routing",
    [
        "met1 ( 0 0 ) ( 1000 500 )",
        "met1 ( 0 0 ) ( 1000 * ) other",
        "met1 ( * 0 ) ( 1000 * )",
        "met1 M1M2_PR",
        "met7 ( 0 0 ) ( 1000 * )",
        "met1 ( 0 0 ) ( 1000 *",
        "met1 ( 0 0 ) RECT ( 1 2 3 )",
        "met1 ( 0 0 ) ( 1000 * ) + SUBNET x",
        "met3 ( 0 0 ) M1M2_PR",
    ],
)
def test_what_is_not_known_is_refused(routing):
    with pytest.raises(FlowError, match="cannot read the routing"):
        drawn(routing)


def test_a_design_cut_short_is_refused():
    with pytest.raises(FlowError, match="no NETS"):
        read_wires(design("a").replace("END NETS", ""), TECH, 0.001)
    with pytest.raises(FlowError, match="cut short"):
        read_wires(design("a + ROUTED met1 ( 0 0 )").replace(" ;\nEND NETS", "\nEND NETS"), TECH, 0.001)
    with pytest.raises(FlowError, match="do not fit"):
        read_wires(design("a").replace("1000 ;", "2000 ;"), TECH, 0.001)


def test_widths_and_vias_of_the_kit(sky130):
    tech = read_tech(Path(find_pdk(sky130, need_all=False).path("tech_lef")).read_text())
    assert dict(tech.widths) == {
        "li1": 0.17,
        "met1": 0.14,
        "met2": 0.14,
        "met3": 0.3,
        "met4": 0.3,
        "met5": 1.6,
    }
    assert tech.horizontal == {"met1", "met3", "met5"}
    assert tech.vias["M3M4_PR"] == ("met3", "met4")
