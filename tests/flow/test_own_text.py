"""`--samples`: text of the model's own, kept beside the result."""

import dataclasses
import json
import sys

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from flow.cli import main
from flow.kept_codes import KEY
from flow.own_text import TURN, TURN_ENDS, own_text
from flow.quality import Request, run
from flow.tasks.model import open_model, token_sequences
from metal_configs.checkpoint import load
from metal_configs.models import resolve
from rtl_gen.errors import ExitCode, FlowError


@pytest.fixture(scope="module")
def words():
    return open_model(load(resolve("words"), "words"))


@pytest.fixture
def one_thread():
    torch = pytest.importorskip("torch", reason='needs PyTorch: pip install -e ".[train]"')
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_without_pytorch_it_says_what_to_install(words, monkeypatch):
    monkeypatch.setitem(sys.modules, "metal_configs.quantise.samples", None)
    with pytest.raises(FlowError, match="sampling from the model needs PyTorch") as e:
        run(words, Request("rtn", samples=100))
    assert e.value.code == ExitCode.MISSING_TOOL
    assert "sc-flow[train]" in e.value.hint


def test_samples_begin_with_words_of_calibration_text_and_are_kept(words, tmp_path, one_thread):
    calibration, told = token_sequences(words, "calibration"), []
    texts = own_text(words, calibration, 2000, told.append, tmp_path)
    assert sum(map(len, texts)) >= 2000
    known = {s[1] for s in calibration}
    assert all(t[0] == words.begin and t[1] in known for t in texts)
    said = {tuple(t) for t in texts}
    assert len(said - {tuple(s) for s in calibration}) > 0.2 * len(said)
    assert all(t[-1] == words.checkpoint.end or len(t) == words.checkpoint.shape.context for t in texts)
    told.clear()
    assert own_text(words, calibration, 2000, told.append, tmp_path) == texts
    kept = tmp_path / "samples.json"
    assert told == [f"samples: {sum(map(len, texts)):,} tokens, as sampled before: {kept}"]
    for damage in (b"{", b"[]", json.dumps({"texts": [["x"]]}).encode()):
        kept.write_bytes(damage)
        told.clear()
        assert own_text(words, calibration, 2000, told.append, tmp_path) == texts
        assert told[0] == "samples: 0 of 2,000 tokens"
    assert own_text(words, calibration, 2100, told.append, tmp_path) != texts


def test_a_model_that_knows_chat_is_asked_every_second_time(words, one_thread):
    vocabulary = [
        TURN,
        TURN_ENDS,
        "user",
        "assistant",
        "Tell",
        "me",
        "more",
        "about",
        "this",
        ":",
        ".",
        "a",
        "b",
    ]
    tokenizer = Tokenizer(models.WordLevel({w: n for n, w in enumerate(vocabulary)}, unk_token="."))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.add_special_tokens([TURN, TURN_ENDS])
    chatty = dataclasses.replace(words, tokenizer=tokenizer)
    a, b = map(vocabulary.index, "ab")
    texts = own_text(chatty, [[words.begin, a, b, a]], 300)
    question = tokenizer.encode(f"{TURN}user\nTell me more about this: a.{TURN_ENDS}\n{TURN}assistant\n").ids
    assert len(question) > 10
    assert all(t[:2] == [words.begin, a] for t in texts[::2])
    assert all(t[: len(question)] == question[: len(t)] for t in texts[1::2])


def test_no_text_to_begin_with_is_said(words, one_thread):
    with pytest.raises(FlowError, match="no calibration text whose words"):
        own_text(words, [[words.begin]], 100)


def test_the_command_calibrates_on_them(tmp_path, capsys, one_thread):
    call = ["quantise", "--model", "words", "--out", str(tmp_path), "--calibration-texts", "4"]
    codes = []
    for more in ([], ["--samples", "500"], ["--samples", "500"]):
        (tmp_path / KEY).unlink(missing_ok=True)
        assert main([*call, *more]) == 0
        codes.append((tmp_path / "quantised.safetensors").read_bytes())
    assert codes[0] != codes[1] == codes[2]
    assert "as sampled before" in capsys.readouterr().err
    kept = json.loads((tmp_path / "samples.json").read_text())["texts"]
    assert np.concatenate(kept).size >= 500
