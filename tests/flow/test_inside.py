"""What is known of a tile before its checks."""

import pytest

from flow.hardening.blocks import load_block
from flow.stitching.rules import open_inputs
from flow.stitching.tiles import artifact
from signoff.violations import Fault


@pytest.mark.parametrize(("kind", "unused"), [("rom", []), ("ram", []), ("vec", ["north_valid"])])
def test_floating_metal_is_accepted_at_inputs_without_a_load_alone(tmp_path, kind, unused):
    (tmp_path / "netlist.v").write_bytes(artifact(kind).content("netlist.v"))
    block, _ = load_block(kind)
    waivers = open_inputs(tmp_path, block)
    assert len(waivers) == len(unused)
    for name, waiver in zip(unused, waivers, strict=True):
        pin = block.pins[name]
        box = (pin.left, pin.bottom, pin.right, pin.top)
        assert waiver.covers(Fault(f"m{pin.layer[-1]}.x", block.top, box, ""), block.top)
        beside = (pin.left + 1, pin.bottom, pin.right + 1, pin.top)
        assert not waiver.covers(Fault(f"m{pin.layer[-1]}.x", block.top, beside, ""), block.top)
        assert not waiver.covers(Fault("m2.2", block.top, box, ""), block.top)
