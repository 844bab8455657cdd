"""What is known of a tile before its checks."""

from types import SimpleNamespace

import pytest

from flow.hardening.blocks import load_block
from flow.stitching.rules import design_rules, open_inputs
from flow.stitching.tiles import artifact
from signoff.drc_klayout import parse_report
from signoff.result import CheckResult
from signoff.violations import Fault

REPORT = """<report-database><categories><category><name>{rule}</name></category></categories><items><item>
<category>'{rule}'</category><cell>{top}</cell><multiplicity>1</multiplicity>
<values><value>polygon: ({corners})</value></values></item></items></report-database>"""


@pytest.mark.parametrize(("kind", "unused"), [("rom", []), ("ram", []), ("vec", ["north_valid"])])
def test_floating_metal_is_accepted_at_inputs_without_a_load_alone(tmp_path, kind, unused):
    (tmp_path / "netlist.v").write_bytes(artifact(kind).content("netlist.v"))
    block, _ = load_block(kind)
    waivers = open_inputs(tmp_path, block)
    assert len(waivers) == len(unused)
    for name, waiver in zip(unused, waivers, strict=True):
        pin = block.pins[name]
        corners = (
            f"{pin.left},{pin.bottom};{pin.left},{pin.top};{pin.right},{pin.top};{pin.right},{pin.bottom}"
        )
        report = tmp_path / "report.lyrdb"
        report.write_text(REPORT.format(rule=f"m{pin.layer[-1]}.x", top=block.top, corners=corners))
        (fault,) = parse_report(report).faults
        assert waiver.covers(fault, block.top)
        box = fault.box
        beside = (pin.left + 1, pin.bottom, pin.right + 1, pin.top)
        assert not waiver.covers(Fault(f"m{pin.layer[-1]}.x", block.top, beside, ""), block.top)
        assert not waiver.covers(Fault("m2.2", block.top, box, ""), block.top)


@pytest.mark.parametrize(("status", "comes_to"), [("waived", "pass"), ("fail", "fail"), ("pass", "pass")])
def test_a_tile_whose_open_inputs_alone_float_passes(tmp_path, monkeypatch, status, comes_to):
    row = CheckResult("drc_klayout", "KLayout", "0", 0, 0, status, "1 waived", "", waived=status == "waived")
    monkeypatch.setattr("flow.stitching.rules.klayout_rows", lambda *args: [row])
    monkeypatch.setattr("flow.stitching.rules._magic", lambda *args: [])
    (tmp_path / "netlist.v").write_bytes(artifact("vec").content("netlist.v"))
    tile = SimpleNamespace(folder=tmp_path, gds=tmp_path / "tile.gds")
    (found,) = design_rules(tile, load_block("vec")[0], None, tmp_path / "scratch")
    assert (found.status, found.waived) == (comes_to, 0)
    assert ("the tile beside it drives it" in found.detail) == (status == "waived")
