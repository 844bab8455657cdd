import copy

import pytest

from signoff.lvs import parse_comparison

TOP = "bank"
REPORT = (
    "Cell pin lists are equivalent.\nDevice classes bank and bank are equivalent.\nCircuits match uniquely.\n"
)
MATCH = {
    "name": [TOP, TOP],
    "devices": [[["nfet", 3], ["pfet", 1]], [["nfet", 3], ["pfet", 1]]],
    "nets": [4, 4],
    "badnets": [],
    "badelements": [],
    "pins": [["BL[0]", "WL[0]"], ["BL[0]", "WL[0]"]],
}


def differing(**changes: object) -> list[dict]:
    return [copy.deepcopy(MATCH) | changes]


def test_a_unique_match_counts_the_devices():
    assert parse_comparison(REPORT, [MATCH], TOP) == ([], 4)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"nets": [4, 5]}, "nets: 4 in the layout, 5 in the netlist"),
        (
            {"devices": [[["nfet", 3], ["pfet", 1]], [["nfet", 2], ["pfet", 1]]]},
            "devices: nfet 3 in the layout, 2 in the netlist",
        ),
        ({"badnets": [["a"], ["b"]]}, "badnets:"),
        (
            {"badnets": [[[["VGND", [["nfet", "2", 3]]]], [["(no matching net)", [["", "", 0]]]]]]},
            "badnets: VGND in the layout, none in the netlist",
        ),
        ({"badelements": [["a"], ["b"]]}, "badelements:"),
        ({"properties": [["w", "0.42"], ["w", "0.84"]]}, "properties:"),
        ({"pins": [["BL[0]", "BL[1]"], ["BL[1]", "BL[0]"]]}, r"pin BL[0] is BL[1] in the netlist"),
        ({"pins": [["BL[0]"], []]}, "1 pins in the layout, 0 in the netlist"),
        ({"pins": None}, "pins were not matched"),
    ],
)
def test_every_difference_is_a_fault_even_if_netgen_says_match(changes, fault):
    faults, _ = parse_comparison(REPORT, differing(**changes), TOP)
    assert any(f.startswith(fault) for f in faults)


@pytest.mark.parametrize("report", ["", "Netlists do not match.\n", REPORT + "Property errors were found.\n"])
def test_a_match_needs_netgens_word(report):
    assert parse_comparison(report, [MATCH], TOP)[0] == [
        "Netgen does not say that the circuits match uniquely"
    ]


def test_a_report_of_other_cells_is_refused():
    with pytest.raises(ValueError, match="0 entries for chip"):
        parse_comparison(REPORT, [MATCH], "chip")


def test_an_empty_circuit_is_refused():
    with pytest.raises(ValueError, match="no devices"):
        parse_comparison(REPORT, differing(devices=[[], []]), TOP)
