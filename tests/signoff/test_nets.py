import pytest

from rtl_gen.errors import FlowError
from signoff.netlist import Instance, Netlist
from signoff.nets import Joined
from signoff.timing.cells import parse_cell
from signoff.timing.constant import constant_pins

BUFFER = parse_cell("module buf_1 (X, A);\n output X;\n input A;\n buf b (X, A);\nendmodule", "buf_1")


def test_names_are_joined_over_any_number_of_pairs():
    nets = Joined([("a", "b"), ("c", "d"), ("b", "c"), ("d", "a")])
    assert {nets.root(n) for n in "abcd"} == {"d"}
    assert nets.root("e") == "e"


@pytest.mark.parametrize("pair", [("a", "1"), ("1", "a")])
def test_a_name_to_keep_stays_whatever_the_order(pair):
    assert Joined([pair]).root("a") == "1"
    assert Joined([("p", "a"), ("a", "b")], keep={"p"}).root("b") == "p"


def test_two_constants_are_refused():
    with pytest.raises(FlowError, match=r"the constants . and . are one net"):
        Joined([("a", "1"), ("b", "0"), ("a", "b")])


def test_a_pin_is_constant_through_a_chain_of_assignments_and_a_buffer():
    cells = {"u": Instance("buf_1", "u", {"A": ("x",), "X": ("y",)})}
    found = constant_pins(
        Netlist("top", {}, cells, (("x", "w"), ("w", "1"), ("q", "z"), ("z", "y"))), {"buf_1": BUFFER}
    )
    assert found == {"u/A", "u/X", "x", "w", "q", "z"}
