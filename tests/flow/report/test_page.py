"""The report holds what the build found, and nothing from outside of itself."""

import html
import json
import re
import shlex

import pytest

from flow.outcome import Outcome, StepRow
from flow.report.page import render_report
from flow.request import BuildConfig, Chain
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


def test_clock_and_token_rate_come_from_slack_and_cycles(build, config, outcome):
    page = render_report(build, config, outcome)
    # nano is signed off at 50 ns in the slow corner: 1 ns to spare leaves 49 ns, and 1000 cycles a token.
    assert f"{1000 / 49:.1f}" in page
    assert f"{1e9 / 49 / 1000:,.0f}" in page


def test_a_die_of_tiles_tells_its_tiles_and_what_it_cannot_show(build, config, outcome):
    path = build / "figures" / "figures.json"
    assert 'id="tiles"' not in render_report(build, config, outcome)
    told = json.loads(path.read_text())
    told["lacking"] = ["Not placed and routed yet: vec."]
    told["pictures"][1]["window"] = [1.0, 2.5, 3.0, 4.25]
    tile = {"kind": "ram", "number": 2, "um2": 300.0, "total_um2": 600.0, "cells": 1234, "cells_um2": 99.0}
    tile |= {"memories": 2, "memories_um2": 88.0, "state": "placed and routed"}
    path.write_text(json.dumps(told | {"tiles": [tile], "die_um2": 800.0}))
    page = render_report(build, config, outcome)
    assert "Not placed and routed yet: vec." in page
    assert "--window 1 2.5 3 4.25" in page
    assert "75.0 %" in page
    assert '<td class="name">margin</td><td></td><td class="n">200</td>' in page
    assert "25.0 %" in page
    assert '<td class="n">1,234</td>' in page


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


def test_dies_of_a_plan_say_so(build, outcome):
    asked = Chain({}, "synthetic, seed 1", 1, 512, 4, 8, 35)
    config = BuildConfig("llama3.1-8b", "", "", base="reticle", chain=asked)
    page = render_report(build, config, outcome)
    assert "4 to 7 of 35; the base is a plan" in page
    assert "synthetic, seed 1" in page
