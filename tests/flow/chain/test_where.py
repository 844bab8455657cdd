"""Where weights lie, in words and micrometres, and what lies at a point."""

import json
from dataclasses import replace

import klayout.db as kdb
import klayout.rdb as rdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from base_chip.dies import load_die
from flow.chain.config import plan_of
from flow.chain.ground import ground_of
from flow.chain.where import at_point, of_weight
from flow.cli import main
from flow.stitching.roms import die_sites
from rtl_gen.errors import ExitCode, FlowError

PLAN = plan_of("smollm2-135m", "sky130", "slot", None)
SLOT = load_die("slot")
GROUND = ground_of(SLOT)
WORDS_ON_NANO = plan_of("words", "sky130", "nano", None)
SITES = die_sites("nano")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_every_bit_of_a_weight_is_found_again_at_its_point(data):
    m = data.draw(st.sampled_from(PLAN.placement.matrices))
    output = data.draw(st.integers(0, m.outputs - 1))
    source = data.draw(st.integers(0, m.inputs - 1) | st.just("factor"))
    spots = of_weight(PLAN.placement, GROUND, f"{m.name}[{output},{source}]")
    assert [s.bit for s in spots] == list(range(16 if source == "factor" else m.bits))
    for s in spots:
        left, low, right, top = SLOT.tile_box(s.row, s.column)
        assert left < s.x * 1000 < right
        assert low < s.y * 1000 < top
        for dx, dy in ((0, 0), (0.1, -0.1), (-0.1, 0.1)):
            assert at_point(PLAN.placement, GROUND, s.die, s.x + dx, s.y + dy) == s


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("layers.3.down", "names no weight"),
        ("layers.3.down[17]", "names no weight"),
        ("layers.3.down[17,-1]", "names no weight"),
        ("layers.3.dwn[17,204]", r"no matrix 'layers.3.dwn'; did you mean 'layers.3.down'\?"),
        ("layers.3.down[576,204]", "has outputs 0 to 575 and inputs 0 to 1535"),
        ("layers.3.down[0,1536]", r"not \[0,1536\]"),
    ],
)
def test_what_names_no_weight(text, says):
    with pytest.raises(FlowError, match=says) as e:
        of_weight(PLAN.placement, GROUND, text)
    assert e.value.code == ExitCode.USAGE


def test_points_where_nothing_can_lie():
    for x, y in ((1.0, 1.0), (2900, 3500), (SLOT.die[0] / 2, 400)):
        with pytest.raises(FlowError, match="no ROM site"):
            at_point(PLAN.placement, GROUND, 0, x, y)
    with pytest.raises(FlowError, match="no die 296, the chain has 296: 0 to 295"):
        at_point(PLAN.placement, GROUND, 296, 100, 100)


def test_a_site_that_holds_nothing_says_so():
    last = PLAN.placement.dies[0][-1].end
    assert last < 4096
    bank = int(SLOT.bank(np.array(0), np.array(0), np.array(15)))
    x, y = (SLOT.origins()[bank] + SLOT.signs()[bank] * (SLOT.sites.x[0], SLOT.sites.y[255])) / 1000
    spot = at_point(PLAN.placement, GROUND, 0, x, y)
    assert (spot.weight, spot.macro, spot.word_line) == ("nothing", 15, 255)


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_on_a_stitched_die_too(data):
    """A die of one column has its own program, and its macros where the floorplans of its tiles have them."""
    nano = ground_of(load_die("nano"))
    plan = WORDS_ON_NANO.placement
    m = data.draw(st.sampled_from(plan.matrices))
    output = data.draw(st.integers(0, m.outputs - 1))
    source = data.draw(st.integers(0, m.inputs - 1) | st.just("factor"))
    for s in of_weight(plan, nano, f"{m.name}[{output},{source}]"):
        assert at_point(plan, nano, s.die, s.x + 0.1, s.y - 0.1) == s
        (x, y) = SITES.place(np.array(s.bank), np.array(s.word_line), np.array(s.bit_line))
        assert (s.x * 1000, s.y * 1000) == pytest.approx((x, y))
    with pytest.raises(FlowError, match="no ROM site of weights"):
        at_point(plan, nano, 0, 1.0, 1.0)


def test_the_command_there_and_back(capsys):
    args = ["where", "--model", "smollm2-135m", "--base", "slot"]
    assert main([*args, "layers.3.down[17,204]", "--json"]) == 0
    spots = json.loads(capsys.readouterr().out)
    assert len(spots) == 4
    assert main([*args, "layers.3.down[17,204]"]) == 0
    out = capsys.readouterr().out
    assert "smollm2-135m on slot (296 dies), context 32: layers.3.down[17,204]" in out
    s = spots[2]
    assert f"{s['x']:13.3f} {s['y']:13.3f}" in out
    assert main([*args, "--die", str(s["die"]), "--at", str(s["x"]), str(s["y"])]) == 0
    assert "layers.3.down[17,204]" in capsys.readouterr().out
    for wrong in ([], ["--die", "1"], ["--at", "1", "1"], ["a[1,1]", "--die", "1", "--at", "1", "1"]):
        assert main([*args, *wrong]) == 2
        assert "give a weight" in capsys.readouterr().err


def test_marks_are_where_the_die_has_the_weights_bits(tmp_path):
    """In a build whose dies are there: a mark for each bit, and a via below it where the bit is 1."""
    from flow.chain.config import make_chain_config
    from flow.chain.die import build_die
    from flow.chain.mark import marked
    from flow.pdk.files import PdkFiles
    from flow.request import Run
    from flow.show import chip_of, write_png
    from flow.tasks.chain.dies import FOLDER, die_jobs

    text = "layers.0.q[3,5]"
    (die,) = {s.die for s in of_weight(PLAN.placement, GROUND, text)}
    config = make_chain_config("smollm2-135m", PLAN, synthetic=1, dies=str(die))
    build = tmp_path / config.model
    build.mkdir()
    Run(config, PdkFiles("sky130", {}, {}, {}, {}, {}), build, {}).save()
    with pytest.raises(FlowError, match=f"die {die}, on which .* was not built"):
        marked(build, text)
    (job,) = die_jobs(config, build / FOLDER)
    assert "error" not in build_die(job)
    chip, spots, window = marked(build, text)
    code = int(job.source().coded("layers.0.q", 4, 3, 1).codes[0, 5])
    layout = kdb.Layout()
    layout.read(str(chip.layout))
    top = layout.top_cell()
    marks = kdb.Region(top.begin_shapes_rec(layout.layer(*chip.apart[0].layer)))
    metal = layout.cell("scf_slot_metal")
    vias = {s.bbox().center().to_s() for s in metal.shapes(layout.layer(69, 44)).each()}
    assert marks.count() == 4
    for s in spots:
        point = kdb.Point(round(s.x * 1000), round(s.y * 1000))
        assert (point.to_s() in vias) == bool(code >> s.bit & 1)
        assert window[0] < s.x < window[2]
    report = rdb.ReportDatabase("")
    report.load(str(chip.markers[0]))
    assert report.num_items() == 4
    write_png(chip, tmp_path / "w.png", width=300, window=window)
    assert (tmp_path / "w.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(FlowError, match="no chip there"):
        chip_of(build)
    hardened = replace(config, chain=None, base="nano")
    Run(hardened, PdkFiles("sky130", {}, {}, {}, {}, {}), build, {}).save()
    with pytest.raises(FlowError, match="has not come as far as the step `compile`"):
        marked(build, text)
