"""Boxes without the pins that are on supplies."""

from dataclasses import replace

import pytest

from signoff.chip.fold import fold
from signoff.chip.netlist import ChipNetlist, Instance

PINS = {"inv": ("A", "Y", "VDD", "VSS"), "fill": ("VDD", "VSS"), "diode": ("A", "VSS")}


def chip() -> ChipNetlist:
    instances = [
        Instance("inv", (n, 0), {"A": f"n{n}", "Y": f"n{n + 1}", "VDD": "VDD", "VSS": "VSS"})
        for n in range(4)
    ]
    instances += [Instance("fill", (n, 0), {"VDD": "VDD", "VSS": "VSS"}) for n in (10, 11, 12)]
    instances += [Instance("diode", (n, 0), {"A": "n2", "VSS": "VSS"}) for n in (20, 21, 22)]
    return ChipNetlist("top", ("VDD", "VSS", "n0"), PINS, instances)


def changed(number: int, **nets: str) -> ChipNetlist:
    instances = chip().instances
    instances[number] = replace(instances[number], nets={**instances[number].nets, **nets})
    return replace(chip(), instances=instances)


def test_supply_pins_go_and_what_has_no_others_too():
    left, right, faults = fold(chip(), chip())
    assert faults == []
    assert left == right
    assert left.boxes == {"inv": ("A", "Y"), "diode": PINS["diode"]}
    assert left.instances[0].nets == {"A": "n0", "Y": "n1"}
    assert left.kinds() == {"inv": 4, "diode": 3}
    assert left.ports == chip().ports


@pytest.mark.parametrize(
    ("number", "nets", "kind"),
    [
        (1, {"VDD": "VSS"}, "inv_with_VDD_on_VSS_VSS_on_VSS"),
        (1, {"VSS": "$7"}, "inv_with_VDD_on_VDD"),
        (1, {"VDD": "$7", "VSS": "$8"}, "inv_with_"),
        (4, {"VDD": "VSS", "VSS": "VDD"}, "fill_with_VDD_on_VSS_VSS_on_VDD"),
        (4, {"VDD": "n0"}, "fill_with_VSS_on_VSS"),  # one pin is left
        (7, {"VSS": "$7"}, "diode_with_"),
        (1, {"A": "VDD"}, "inv_with_A_on_VDD_VDD_on_VDD_VSS_on_VSS"),
    ],
)
@pytest.mark.parametrize("in_layout", [True, False])
def test_a_box_on_other_supplies_is_of_another_kind(number, nets, kind, in_layout):
    sides = (changed(number, **nets), chip()) if in_layout else (chip(), changed(number, **nets))
    left, right, faults = fold(*sides)
    told = f"1 {kind} in the layout, 0 in the netlist" if in_layout else f"0 {kind} in the layout, 1 in"
    assert any(fault.startswith(told) for fault in faults), faults
    assert all(len(pins) > 1 for side in (left, right) for pins in side.boxes.values())


def test_a_net_that_is_no_port_of_both_is_followed():
    other = replace(chip(), ports=("VDD", "n0"))
    left, right, _ = fold(chip(), other)
    assert left.boxes["inv"] == right.boxes["inv"] == ("A", "Y", "VSS")
    assert "VSS" in left.nets


def test_unequal_numbers_of_boxes_are_told():
    fewer = replace(chip(), instances=chip().instances[:5] + chip().instances[6:])
    assert fold(fewer, chip())[2] == ["2 fill in the layout, 3 in the netlist"]
