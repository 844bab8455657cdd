"""What OpenSTA is told of a netlist and its activity, and how its answer is read; the tool does not run."""

import re

import pytest

from rtl_gen.errors import FlowError
from signoff.eda import OPENROAD, Run
from signoff.netlist import Instance, Netlist, read_netlist
from signoff.power.energy import Parts
from signoff.power.opensta import Nets, powers

NETLIST = Netlist(
    "die",
    {},
    {
        "a.\\b[0]": Instance("inv", "a.\\b[0]", {"A": ("in",), "Y": ("mid[1]",)}),
        "m": Instance("mem", "m", {"a": ("mid[1]", "0", ""), "clk": ("ck",), "q": ("",)}),
    },
    (),
)
NETS = Nets({"mid[1]": 2e-15}, {"in": 0.5, "mid[1]": 0.5, "ck": 1.0}, {"mid[1]": 0.25}, {("m", "clk"): 0.1})


@pytest.fixture
def run(monkeypatch, tmp_path):
    """OpenROAD that answers what it is given."""
    cells = tmp_path / "cells.lib"
    cells.write_text("")
    folder = tmp_path / "run"
    folder.mkdir()

    def does(answer="i0 1e-6 2e-6 3e-9 3.003e-6\ni1 4e-6 0 5e-9 4.005e-6\n", fault=""):
        def fake(self, arguments, where, timeout, files):
            assert set(files) == {"0.lib", "0.lef"}
            (where / "power.txt").write_text(answer)
            return Run("", 0.0, fault)

        monkeypatch.setattr(type(OPENROAD), "run", fake)
        return powers(NETLIST, {"inv": {"Y"}, "mem": {"q"}}, NETS, 10e-9, [cells], [cells], folder), folder

    return does


def test_power_is_that_of_each_instance_by_its_own_name(run):
    found, _ = run()
    assert found == {"a.\\b[0]": Parts(2e-6, 1e-6, 3e-9), "m": Parts(0.0, 4e-6, 5e-9)}


def test_the_netlist_has_plain_names_and_a_port_for_each_net_that_nothing_drives(run):
    _, folder = run()
    plain = read_netlist(folder / "flat.v")
    assert set(plain.ports) == {"n0", "n2"}  # in, ck
    assert plain.instances["i0"].pins == {"A": ("n0",), "Y": ("n1",)}
    high, constant, nowhere = plain.instances["i1"].pins["a"]
    assert (high, constant) == ("n1", "0")
    assert nowhere not in ("n0", "n1", "n2")


def test_a_wire_reaches_every_pin_and_has_its_capacitance(run):
    _, folder = run()
    (net,) = re.findall(r"\*D_NET n1 0\.002\n.*?\*END", (folder / "flat.spef").read_text(), re.S)
    assert "*I i0:Y O" in net
    assert "*I i1:a[2] I" in net
    assert "1 i0:Y i1:a[2]" in net


def test_each_pin_is_told_how_often_its_net_changes_but_for_those_that_are_told_another_number(run):
    _, folder = run()
    told = dict(re.findall(r"-pins (\S+) (-activity .*)", (folder / "activity.tcl").read_text()))
    assert told == {
        "i0/A": "-activity 1 -duty 0", "i0/Y": "-activity 1 -duty 0.25",
        r"i1/a\[2\]": "-activity 1 -duty 0.25", "i1/clk": "-activity 0.2 -duty 0",
    }  # fmt: skip


def test_a_run_that_failed_has_no_power(run):
    with pytest.raises(FlowError, match="cannot read"):
        run(fault="openroad reported: cannot read flat.v")
