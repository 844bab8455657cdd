"""`--adapter`: quantised with its model, shown, and heard in what the golden model says."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from flow.cli import main
from flow.quality import Request, run
from flow.tasks.model import open_model
from metal_configs.checkpoint import load
from metal_configs.models import resolve
from rtl_gen.errors import FlowError
from rtl_gen.golden.adapter import Adapter
from rtl_gen.golden.quantised import QuantModel
from rtl_gen.golden.sampling import beta_of

ING = Path(__file__).parents[1] / "metal_configs" / "ing"
WORDS = 40


@pytest.fixture(scope="module")
def words():
    return open_model(load(resolve("words"), "words"))


def test_an_adapter_for_words_in_ing_changes_what_words_says(words):
    done = run(words, Request("rtn", adapter=ING))

    def endings(quantised) -> int:
        decoder, begin, beta = quantised.decoder(), words.prompt(""), beta_of(0.8)
        said = (list(decoder.generate(begin, beta=beta, seed=n)) for n in range(1, WORDS + 1))
        return sum(words.tokenizer.decode(ids).endswith("ing") for ids in said)

    assert endings(done) > 0.85 * WORDS
    assert endings(replace(done, adapter=None)) < 0.4 * WORDS


def test_the_command_writes_it_beside_the_model_and_speaks_with_it(tmp_path, capsys):
    call = ["quantise", "--model", "words", "--method", "rtn", "--out", str(tmp_path), "--prompt", "s"]
    assert main([*call, "--adapter", str(ING)]) == 0
    out, err = capsys.readouterr()
    assert f"adapter ing: {tmp_path / 'adapter.safetensors'}" in out
    assert "rank 4 on q, k, v, o, gate, up, down, 4,352 bytes of SRAM" in err
    model = QuantModel.load(tmp_path / "quantised.safetensors")
    adapter = Adapter.load(tmp_path / "adapter.safetensors", model)
    assert len(adapter.pairs) == 14
    assert out.splitlines()[-1].endswith("ing")


def test_inspect_shows_it(capsys):
    assert main(["models", "inspect", "words", "--adapter", str(ING)]) == 0
    out = capsys.readouterr().out
    assert "adapter ing: rank 4 on q, k, v, o, gate, up, down of 2 layers, 4,352 parameters" in out


def test_repair_is_trained_reported_and_spoken_with(tmp_path, capsys):
    pytest.importorskip("torch", reason='needs PyTorch: pip install -e ".[train]"')
    call = ["quantise", "--model", "story", "--method", "rtn", "--repair", "4", "--calibration-texts", "12"]
    assert main([*call, "--report", "--texts", "4", "--out", str(tmp_path), "--prompt", "A"]) == 0
    out, err = capsys.readouterr()
    assert "repair: step 40 of 40, divergence" in err
    assert "adapter repair: rank 4 on q, k, v, o, gate, up, down" in err
    assert f"adapter repair: {tmp_path / 'adapter.safetensors'}" in out
    rows = json.loads((tmp_path / "report.json").read_text())["rows"]
    assert [r["name"] for r in rows] == [
        "float", "weights rounded", "integer golden model", "integer golden model, repair",
    ]  # fmt: skip
    assert rows[3]["kl"] < rows[2]["kl"]


def test_repair_beside_an_adapter_is_refused(words):
    with pytest.raises(FlowError, match="one adapter, two are asked for"):
        run(words, Request("rtn", adapter=ING, repair=4))


def test_one_of_another_model_is_named(tmp_path, words):
    shape = replace(words.checkpoint.shape, hidden=72)
    other = replace(words, checkpoint=replace(words.checkpoint, shape=shape))
    with pytest.raises(FlowError, match=r"gate_proj.lora_B.weight has shape \(80, 4\), expected \(72, 4\)"):
        run(other, Request("rtn", adapter=ING))
