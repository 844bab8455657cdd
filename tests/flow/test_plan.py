"""Plans: their numbers against a count of their own, their sources, and how quick and small they are."""

import json
import resource
import subprocess
import sys
from dataclasses import replace

import pytest

from base_chip.dies import known_dies, load_die
from base_chip.pdk.constants import constants, values
from base_chip.tiles import load_tile, tile_size
from flow.chain.config import base_for, die_range
from flow.cli import main
from flow.cli.plan import print_plan
from flow.planning import fitting_bases, make_plan, model_shape
from flow.planning.area import mask_lines
from metal_configs.models import KNOWN
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.shape import Shape


@pytest.fixture(scope="module")
def llama():
    return make_plan("llama3.1-8b", KNOWN["llama3.1-8b"].shape, load_die("reticle"))


def test_a_die_larger_than_the_field_is_told():
    for height, told in ((32000.0, False), (32005.0, True)):
        lines = mask_lines(replace(load_die("reticle"), die=(26000.0, height)), 1, values("sky130"))
        field = next(line for line in lines if line.name == "dies per field")
        assert field.value == (0 if told else 1)
        assert ("CANNOT BE EXPOSED" in field.formula) is told


def test_the_links_are_those_of_the_die(llama):
    wider = replace(load_die("reticle"), link_bytes=4)
    fast = make_plan("llama3.1-8b", KNOWN["llama3.1-8b"].shape, wider)
    assert 0 < fast.line("cycles: links") < llama.line("cycles: links")


def test_llama_numbers_by_another_count(llama):
    weights = 2 * 128256 * 4096 + 32 * (2 * 4096**2 + 2 * 1024 * 4096 + 3 * 14336 * 4096)
    assert llama.line("weights") == weights == 8_029_995_008
    wide = 2 * 128256 * 4096
    assert llama.line("code bits") == 4 * weights + 2 * wide
    # 832 outputs a block; 20 rows of tiles share the inputs, two a step: 205 each, of down 717 in two spans.
    layer = (5 + 2 + 2 + 5 + 18 + 18) * 104 + 5 * 2 * 180
    head = 155 * (104 + 52)
    assert llama.line("rows") == 32 * layer + 2 * head
    assert llama.line("dies") == len(llama.dies)
    assert llama.line("keys and values") == 2 * 32 * 512 * 1024 * 8
    assert llama.line("ram rows of the fullest die") == 8 * (16 * 128 + 4 * 512)
    assert llama.line("masks changed") == 1
    # Passes of 104 steps or, of q, k, gate and up, of 64: two products per sum.
    assert llama.line("cycles: matrices") == 32 * layer
    read = 4 * (4 * (weights - wide) + 8 * 128256 * 4096)  # words have four rows, of which one is selected
    assert llama.line("ROM energy per token") == pytest.approx(
        read * 0.48 * (275 + 30) * 1e-15 * 1.8**2 * 1e3
    )


def test_codes_are_told_by_their_own_bits_and_by_those_that_they_are_laid_in(llama, capsys):
    """A die of one column has digits of 4 bits, so 3 take 4 and 6 take 8; others take codes as they are."""
    assert llama.line("bits as laid") == llama.line("code bits")
    assert all(row["bits"] == row["bits_laid"] for row in llama.matrices)
    plan = make_plan("words", KNOWN["words"].shape, load_die("nano"))
    assert {(row["bits"], row["bits_laid"]) for row in plan.matrices} == {(3, 4), (4, 4), (6, 8)}
    final, head = plan.matrices[-2:]
    assert (final["matrix"], head["matrix"]) == ("final", "head")
    assert plan.line("bits as laid") - plan.line("code bits") == final["weights"] + 2 * head["weights"]
    assert plan.line("filled") == pytest.approx(plan.line("bits as laid") / (4096 * 256))
    print_plan(plan)
    title, row = (
        line for line in capsys.readouterr().out.split("\n") if line.startswith(("matrix", "head "))
    )
    at = {name: slice(title.index(name) - 2, title.index(name) + 4) for name in ("bits", "laid")}
    assert (row[at["bits"]].strip(), row[at["laid"]].strip()) == ("6", "8")


def test_llama_on_tiles_as_they_are_hardened(llama):
    """45 fields and 300 tokens/s of one stream were aimed at, and 8,000 pipelined; typical corner."""
    assert llama.line("fields") <= 68
    assert llama.line("the same, typical") >= 175
    assert llama.line("pipelined, typical") >= 8000


def test_area_and_clock_are_those_of_the_hardened_tiles(llama):
    width, height = tile_size("rom")
    assert llama.line("rom tiles") == pytest.approx(20 * 26 * width * height / 1e12)
    assert llama.line("clock") == 1e3 / load_tile("rom").target_ns
    assert llama.line("clock of typical silicon") == pytest.approx(60)
    assert llama.line("tokens/s of one stream") == pytest.approx(
        llama.line("clock") * 1e6 / llama.line("cycles per token")
    )
    parts = sum(x.value for x in llama.lines if x.name.startswith("cycles: "))
    assert llama.line("cycles per token") == pytest.approx(parts)


@pytest.mark.parametrize("base", known_dies())
def test_tiles_fill_no_more_than_the_die(base):
    plan = make_plan("words", KNOWN["words"].shape, load_die(base))
    areas = [x for x in plan.lines if x.group == "area of a die" and x.name not in ("die", "all dies")]
    assert sum(x.value for x in areas) == pytest.approx(plan.line("die"))
    assert plan.line("spared") >= -1e-9
    assert len(plan.dies) == 1


def test_every_constant_has_unit_and_source_and_is_used(llama):
    used = {u for x in llama.lines for u in x.uses}
    assert used == set(llama.constants)
    assert set(constants("sky130")) <= used
    for entry in llama.constants.values():
        assert len(entry.source) > 7


def test_why_not_one_die_and_what_would_fit(llama):
    text = " ".join(llama.single_die)
    assert "One die cannot hold llama3.1-8b: rom tiles for its bits alone take" in text
    assert "136 million weights" in text
    small = make_plan("words", KNOWN["words"].shape, load_die("story"))
    assert small.single_die[0].startswith("words fits on one die of story")
    some = make_plan("s", KNOWN["smollm2-135m"].shape, load_die("slot"))
    assert "One die of slot does not hold s: its bits fill" in some.single_die[0]


def test_json_holds_everything(capsys):
    assert main(["plan", "--model", "smollm2-135m", "--base", "slot", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["base_status"] == "planned, not hardened"
    assert len(data["dies"]) == next(x["value"] for x in data["lines"] if x["name"] == "dies")
    assert data["dies"][0]["holds"][0][:2] == ["embed", 0]
    assert {u for x in data["lines"] for u in x["uses"]} <= set(data["constants"])


def test_text_says_planned_and_names_its_sources(capsys):
    assert main(["plan", "--model", "llama3.1-8b"]) == 0
    out = capsys.readouterr().out
    assert "planned, not hardened" in out
    for name in constants("sky130"):
        assert f"\n  {name} " in out


def test_from_a_config_alone_even_with_scaled_rotation(tmp_path, capsys):
    config = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 64, "vocab_size": 128,
        "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4,
        "tie_word_embeddings": True, "num_key_value_heads": 2,
        "rope_scaling": {"rope_type": "yarn", "factor": 8.0},
    }  # fmt: skip
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "config.json").write_text(json.dumps(config))
    for path in (tmp_path / "m", tmp_path / "m" / "config.json"):
        assert main(["plan", "--model", str(path), "--base", "slot"]) == 0
        assert capsys.readouterr().out.startswith("m on base slot")


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (("--model", "nonsense"), 2, "no model and no checkpoint"),
        (("--model", "llama3.1-8b", "--base", "x"), 2, "known: nano, reticle, slot, story"),
        (("--model", "llama3.1-8b", "--pdk", "nonsense"), 2, "unknown PDK"),
        (("--model", "llama3.1-8b", "--context", "0"), 2, "--context"),
        (("--model", "llama3.1-8b", "--context", "131072"), 2, "At most 512 positions fit"),
    ],
)
def test_bad_input(capsys, args, code, says):
    assert main(["plan", *args]) == code
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "found"), [("", (0, 9)), ("0:4", (0, 4)), (":4", (0, 4)), ("4:", (4, 9)), ("8", (8, 9))]
)
def test_die_ranges(text, found):
    assert die_range(text, 9) == found


@pytest.mark.parametrize(
    "text", ["0:10", "9:", "4:4", "5:4", "9", "a", "1:2:3", ":", "-1:2", "0:" + "9" * 30]
)
def test_die_ranges_outside_the_plan(text):
    with pytest.raises(FlowError, match="--dies") as e:
        die_range(text, 9)
    assert e.value.code == ExitCode.USAGE


def test_which_dies_hold_a_model():
    assert fitting_bases(KNOWN["words"].shape) == ["nano", "story"]
    assert fitting_bases(KNOWN["story"].shape) == ["story"]
    assert fitting_bases(KNOWN["smollm2-135m"].shape) == []
    # Too many heads for a die, with fewer weights than it holds
    assert fitting_bases(replace(KNOWN["words"].shape, heads=64, kv_heads=64, dim=256)) == []
    assert isinstance(model_shape("words")[1], Shape)


def test_a_build_without_a_base_takes_the_smallest_die_that_holds_the_model():
    assert [base_for(name) for name in ("words", "story", "smollm2-135m")] == ["nano", "story", "reticle"]


def test_a_plan_takes_two_seconds_and_200_mb_at_most():
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    code = (
        "from flow.cli import main; main(['plan', '--model', 'llama3.1-8b'])\n"
        # Not ru_maxrss: after a fork it begins at what the parent had.
        "status = dict(line.split(':', 1) for line in open('/proc/self/status'))\n"
        "print(status['VmHWM'].split()[0])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Processor time: the wall clock also counts what else the machine does.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2
    assert int(done.stdout.splitlines()[-1]) < 200 * 1024
