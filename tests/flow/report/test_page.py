"""The report holds what the build found, and nothing from outside of itself."""

import dataclasses
import html
import json
import re
import shlex

import pytest

from base_chip.dies import load_die
from flow.outcome import Outcome, StepRow
from flow.report.corners import corner_timing
from flow.report.page import render_report
from flow.request import BuildConfig, Chain
from flow.stitching.periods import PERIODS, die_period
from rtl_gen.errors import FlowError


def test_every_check_and_step_is_there_and_text_is_escaped(build, config, outcome):
    page = render_report(build, config, outcome)
    for c in outcome.checks:
        assert f'<td class="name">{c.name}</td>' in page
    assert "2 devices &lt;match&gt;" in page
    assert "once &lt;b&gt;upon&lt;/b&gt; a time" in page
    assert "sta is not installed" in page
    assert page.count('class="control"') == 1


def test_it_needs_nothing_but_itself(build, config, outcome):
    page = render_report(build, config, outcome)
    links = re.findall(r"(?:src|href)=\"([^\"]*)\"", page)
    assert len([x for x in links if x.startswith("data:image/png;base64,")]) == 5
    assert all(x.startswith("data:") for x in links)
    assert "<script" not in page


def test_what_an_earlier_build_left_is_not_shown(build, config, outcome):
    (build / "quantise" / "loss.json").write_text('{"rows": [{"name": "of an older form"}]}')
    outcome.steps = [s for s in outcome.steps if s.name not in ("quantise", "figures", "ir_drop")]
    page = render_report(build, config, outcome)
    assert "data:image/png" not in page
    assert "of an older form" not in page


@pytest.mark.parametrize(
    ("drop", "kind", "sentence"),
    [
        ((), "bad", "1 of 4 checks found a fault"),
        (("fail",), "open", "2 of 3 checks pass; not everything was run"),
        (("fail", "not run"), "good", "2 of 2 checks pass"),
    ],
)
def test_the_verdict(build, config, outcome, drop, kind, sentence):
    outcome.checks = [c for c in outcome.checks if c.status not in drop]
    if "not run" in drop:
        outcome.steps = [s for s in outcome.steps if s.status == "done"]
    page = render_report(build, config, outcome)
    assert f'<p class="verdict {kind}">{sentence}</p>' in page


def test_a_build_that_stopped_says_why_and_is_not_good(build, config, outcome):
    outcome.errors = [(FlowError("Yosys stopped", where="equiv", hint="See the log."), 5)]
    page = render_report(build, config, outcome)
    assert 'class="verdict bad">The build did not end: Yosys stopped' in page
    assert "See the log." in page


def test_nothing_run_is_not_a_pass(tmp_path, config):
    page = render_report(tmp_path, config, Outcome())
    assert 'class="verdict open">0 of 0 checks pass; not everything was run' in page
    assert "No check was run." in page
    assert "<img" not in page


DIE = load_die("story")
SLOW = die_period(DIE)
TYPICAL = SLOW * PERIODS["typical"]


def slacks(**of: float) -> dict[str, float]:
    """Metrics of static timing: ns to spare for setup, one more for hold, in all corners."""
    stems = {part: f"{part}_sta" for part in of} | {"seams": "seam_sta"}
    return {
        f"{stems[part]}_{corner}_{kind}_ns": slack + more
        for part, slack in of.items()
        for corner in ("slow", "typical", "fast")
        for kind, more in (("setup", 0.0), ("hold", 1.0))
    }


def test_the_least_slack_of_tiles_and_seams_counts():
    found = {c.name: c for c in corner_timing(DIE, slacks(rom=3, ram=2.5, vec=4, seams=16))}
    assert list(found) == ["slow", "typical", "fast"]
    slow, typical = found["slow"], found["typical"]
    assert (slow.period, slow.setup, slow.setup_at) == (SLOW, 2.5, "ram")
    assert (slow.hold, slow.hold_at) == (3.5, "ram")
    assert slow.mhz == pytest.approx(1000 / (SLOW - 2.5))
    assert typical.period == TYPICAL
    assert (typical.hold, typical.hold_at) == (3.5, "ram")
    assert (typical.setup, typical.setup_at) == (2.5, "ram")
    (close,) = (c for c in corner_timing(DIE, slacks(rom=3, ram=2.5, vec=4, seams=1)) if c.name == "typical")
    assert (close.setup, close.setup_at) == (1, "seams")
    assert (close.hold, close.hold_at) == (2, "seams")


def test_no_clock_is_told_while_a_part_lacks_or_is_too_slow():
    for of in ({"rom": 3, "ram": 3, "vec": 3}, {"rom": 3, "vec": 3, "seams": 16}):
        lacks = [c.lacking for c in corner_timing(DIE, slacks(**of))]
        assert lacks == [tuple({"rom", "ram", "vec", "seams"} - set(of))] * 3
        assert all(c.mhz is None for c in corner_timing(DIE, slacks(**of)))
    late = corner_timing(DIE, slacks(rom=3, ram=-0.5, vec=3, seams=16))
    assert {c.setup_at: c.mhz for c in late} == {"ram": None}
    fast_path = slacks(rom=3, ram=3, vec=3, seams=16) | {"vec_sta_slow_hold_ns": -0.01}
    found = {c.name: c.mhz for c in corner_timing(DIE, fast_path)}
    assert found["slow"] is None
    assert found["typical"] is not None
    assert found["fast"] is None  # a corner for hold
    assert corner_timing(DIE, {}) == []


def test_clock_and_token_rate_come_from_slack_and_cycles(build, config, outcome):
    config = dataclasses.replace(config, base=DIE.name)
    assert "Static timing" not in render_report(build, config, outcome)
    outcome.metrics |= slacks(rom=3, ram=1, vec=3, seams=16)
    page = render_report(build, config, outcome)
    assert "Static timing" in page
    # 1 ns to spare, and 1000 cycles a token
    assert f"{1000 / (SLOW - 1):.1f}" in page
    assert f"{1e6 / (SLOW - 1):,.0f}" in page
    assert f"{1000 / (TYPICAL - 1):.1f}" in page
    assert "no clock is told" not in page


def test_what_has_no_timing_yet_is_told(build, config, outcome):
    config = dataclasses.replace(config, base=DIE.name)
    outcome.metrics |= slacks(rom=3, vec=3)
    page = render_report(build, config, outcome)
    assert "Without ram, seams, whose timing was not run: no clock is told." in page
    assert f"{1000 / (SLOW - 3):.1f}" not in page


def test_a_die_of_tiles_tells_its_tiles_and_what_it_cannot_show(build, config, outcome):
    path = build / "figures" / "figures.json"
    assert 'id="tiles"' not in render_report(build, config, outcome)
    told = json.loads(path.read_text())
    told["lacking"] = ["Not placed and routed yet: vec."]
    told["pictures"][1]["window"] = [1.0, 2.5, 3.0, 26004.125]
    tile = {"kind": "ram", "number": 2, "um2": 300.0, "total_um2": 600.0, "cells": 1234, "cells_um2": 99.0}
    tile |= {"memories": 2, "memories_um2": 88.0, "state": "placed and routed"}
    path.write_text(json.dumps(told | {"tiles": [tile], "die_um2": 800.0}))
    page = render_report(build, config, outcome)
    assert "Not placed and routed yet: vec." in page
    assert "--window 1 2.5 3 26004.125" in page
    assert "75.0 %" in page
    assert '<td class="name">margin</td><td></td><td class="n">200</td>' in page
    assert "25.0 %" in page
    assert '<td class="n">1,234</td>' in page
    assert "<b>0.001 mm²</b>" in page
    assert '<b>2,468 </b><span class="dim">standard cells in them</span>' in page


def test_power_is_told_by_corner_and_block(build, config, outcome):
    page = render_report(build, config, outcome)
    assert '<td>typical</td><td class="n">1.8</td><td class="n">5.50</td><td class="n">480</td>' in page
    assert '<td class="name">clock tree</td><td class="n">2.000</td>' in page


def test_energy_of_a_token_is_told_with_what_is_not_counted(build, config, outcome):
    typical = {
        "volts": 1.8, "period_ns": 16.6667, "nj_per_token": 3083.7, "leakage_nj": 1.7, "mw": 38.27,
        "tokens_per_s": 12409.5, "blocks_nj": {"rom_0_0 clock": 239.26, "ram_1_0 wires": 69.75},
    }  # fmt: skip
    told = {"token": "token 4 of text 1", "cycles": 4835, "without": "wires of rom not counted"}
    outcome.steps.append(StepRow("energy", "done", 0, 0, True))
    assert "Energy per token" not in render_report(build, config, outcome)
    (build / "energy").mkdir()
    (build / "energy" / "energy.json").write_text(json.dumps(told | {"corners": {"typical": typical}}))
    page = render_report(build, config, outcome)
    assert "token 4 of text 1, 4835 cycles" in page
    assert "wires of rom not counted" in page
    assert '<td class="n">38.27</td><td class="n">12,410</td>' in page
    assert '<td class="name">rom_0_0 clock</td><td class="n">239.3</td>' in page


def test_the_command_that_builds_it_again_has_its_options(build, config, outcome):
    assert "sc-flow build --model words --pdk sky130 --base nano --seed 7" in render_report(
        build, config, outcome
    )


def test_the_command_quotes_what_a_shell_would_take_apart(build, outcome):
    asked = BuildConfig("words", "", "", base="", prompt="it's a", loss_limit=1.2)
    page = html.unescape(render_report(build, asked, outcome))
    assert f"--model words --pdk sky130 --prompt {shlex.quote(asked.prompt)} --loss-limit 1.2" in page


def test_the_command_names_a_model_as_people_type_it_and_codes_that_were_there(build, outcome):
    asked = BuildConfig("smollm2_135m", "", "", base="tower", quantised_path="/somewhere/q.safetensors")
    page = render_report(build, asked, outcome)
    assert "sc-flow build --model smollm2-135m --pdk sky130 --base tower --quantised FILE" in page


@pytest.mark.parametrize(("step", "by"), [("gatesim", "gate-level simulation"), ("rtlsim", "RTL")])
def test_the_page_says_by_what_the_text_was_said(build, config, outcome, step, by):
    outcome.text = ["banana"]
    outcome.steps = [StepRow(step, "done", 0, 0, False)]
    said = html.unescape(render_report(build, config, outcome)).partition("What the chip said")[2]
    assert by in said.partition("banana")[0]


def test_the_command_that_builds_a_chain_again_says_how_many_dies(build, outcome):
    asked = BuildConfig("words", "", "", base="story", chained=2, context=32, adapter_path="/somewhere/mine")
    page = render_report(build, asked, outcome)
    assert (
        "sc-flow build --model words --pdk sky130 --base story --chain 2 --context 32 --adapter FOLDER"
        in page
    )
    assert "somewhere" not in page


def test_dies_of_a_plan_say_so(build, outcome):
    asked = Chain({}, "synthetic, seed 1", 1, 512, 4, 8, 35)
    config = BuildConfig("llama3.1-8b", "", "", base="reticle", chain=asked)
    page = render_report(build, config, outcome)
    assert "4 to 7 of 35; the base is a plan" in page
    assert "synthetic, seed 1" in page
