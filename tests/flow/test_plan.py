"""Plans: their numbers against a count of their own, their sources, and how quick and small they are."""

import json
import resource
import subprocess
import sys
from dataclasses import replace

import pytest

from base_chip.planned import known_planned, load_planned
from flow.cli import main
from flow.planned import die_range
from flow.planning import fits_hardened, make_plan, model_shape
from flow.planning.lines import constants, values
from metal_configs.models import KNOWN
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.shape import Shape


@pytest.fixture(scope="module")
def llama():
    return make_plan("llama3.1-8b", KNOWN["llama3.1-8b"].shape, load_planned("reticle"))


def test_llama_numbers_by_another_count(llama):
    weights = 2 * 128256 * 4096 + 32 * (2 * 4096**2 + 2 * 1024 * 4096 + 3 * 14336 * 4096)
    assert llama.line("weights") == weights == 8_029_995_008
    wide = 2 * 128256 * 4096
    assert llama.line("weight bits") == 4 * (weights + wide)
    # Passes: 32 outputs of 4 bits or 16 of 6; 4 or 2 rows of factors.
    layer = (128 + 32 + 32 + 128 + 448 + 448) * (4096 + 4) + 128 * (14336 + 4)
    rows = 32 * layer + 2 * 8016 * (4096 + 2)
    assert llama.line("ROM rows") == rows
    assert llama.line("dies") == len(llama.dies) >= rows / load_planned("reticle").rom.rows
    assert llama.line("filled") > 0.99
    assert sum(m["rom_bits"] for m in llama.matrices) == rows * 128
    assert llama.line("for the context") == 2 * 32 * 512 * 1024 * 8
    read = rows - 8016 * (4096 + 2)
    charged = 256 * 0.48 * (275 + 30) + 197.9 + 670.7
    assert llama.line("ROM energy a token") == pytest.approx(read * charged * 1e-15 * 1.8**2 * 1e3)
    assert llama.line("masks changed") == 1


def test_the_clock_is_that_of_the_characterised_bank(llama):
    """Numbers of docs/bank.md: 20.3 and 9.9 ns to a read 256 x 256 bank, 12.7 ns of precharge."""
    assert llama.line("bank's read") == pytest.approx(20.3, abs=0.05)
    assert llama.line("bank's precharge") == pytest.approx(12.7, abs=0.05)
    assert llama.line("clock") == pytest.approx(1e3 / (2 * (20.3 + 7.5)), rel=0.003)
    assert llama.line("clock of typical silicon") == pytest.approx(1e3 / (2 * (9.9 + 2.0)), rel=0.005)
    assert llama.line("tokens/s of one stream") == pytest.approx(
        llama.line("clock") * 1e6 / llama.line("cycles a token")
    )


def test_a_bank_that_was_not_characterised_has_no_plan():
    base = load_planned("slot")
    other = replace(base, banks=replace(base.banks, word_lines=128))
    with pytest.raises(FlowError, match="timing"):
        make_plan("smollm2-135m", KNOWN["smollm2-135m"].shape, other)


def test_engines_read_at_least_the_rows_that_divide_evenly(llama):
    rows = llama.line("ROM rows") - 8016 * (4096 + 2)
    assert llama.line("cycles of ROM rows") >= rows / 124
    assert llama.line("cycles of ROM rows") < 1.1 * rows / 124


@pytest.mark.parametrize("base", known_planned())
@pytest.mark.parametrize("model", ["llama3.1-8b", "smollm2-135m"])
def test_parts_of_a_die_fill_no_more_than_it(base, model):
    dies = load_planned(base)
    plan = make_plan(model, KNOWN[model].shape, dies)
    areas = [x for x in plan.lines if x.group == "area of a die" and x.name not in ("die", "all dies")]
    assert sum(x.value for x in areas) == pytest.approx(plan.line("die"))
    assert plan.line("spared") > 0
    strip = next(x for x in areas if x.name == "strips beside banks")
    c = values("sky130")
    cells = (256 * c["word_line_cell"] + 128 * c["bit_cell"]) / c["cells_in_strip"]
    assert strip.value * 1e6 / dies.rom.banks > cells


def test_every_constant_has_unit_and_source_and_is_used(llama):
    used = {u for x in llama.lines for u in x.uses}
    table = constants("sky130")
    assert used == set(table)
    for entry in table.values():
        assert len(entry.source) > 10


def test_why_not_one_die_and_what_would_fit(llama):
    text = " ".join(llama.single_die)
    assert "One die cannot hold llama3.1-8b: its ROM alone" in text
    assert "22.3 times the largest field" in text
    assert "260 million weights" in text
    small = make_plan("words", KNOWN["words"].shape, load_planned("slot"))
    assert small.single_die[0].startswith("words fits on one die of slot")
    assert "One die of slot does not hold" in " ".join(
        make_plan("s", KNOWN["smollm2-135m"].shape, load_planned("slot")).single_die
    )
    kv = make_plan("s", KNOWN["smollm2-135m"].shape, load_planned("reticle"), 512)
    assert "--context 182 or less would" in kv.single_die[0]
    assert len(make_plan("s", KNOWN["smollm2-135m"].shape, load_planned("reticle"), 182).dies) == 1


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
        (("--model", "llama3.1-8b", "--base", "nano"), 2, "known: reticle, slot"),
        (("--model", "llama3.1-8b", "--pdk", "nonsense"), 2, "unknown PDK"),
        (("--model", "llama3.1-8b", "--context", "0"), 2, "--context"),
        (("--model", "llama3.1-8b", "--context", "131072"), 2, "At most 16384 positions fit"),
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


def test_which_models_a_hardened_base_holds():
    assert fits_hardened(KNOWN["words"].shape, "nano")
    assert not fits_hardened(KNOWN["smollm2-135m"].shape, "nano")
    assert isinstance(model_shape("words")[1], Shape)


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
