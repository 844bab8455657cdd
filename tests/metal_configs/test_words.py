import json
import re

import numpy as np
import pytest

from metal_configs.checkpoint import load
from metal_configs.lower import golden_logits, lower
from metal_configs.models import KNOWN, resolve
from metal_configs.quantise import Policy, on_grid, quantise
from metal_configs.quantise.report import report
from metal_configs.reference import activations, evaluate, score
from metal_configs.words import corpus
from metal_configs.words.tokens import build_tokenizer
from rtl_gen.errors import ExitCode, FlowError


@pytest.fixture(scope="module")
def words():
    return load(resolve("words"))


def test_files_are_what_the_registry_and_the_base_expect(words):
    assert words.name == "words"
    assert words.shape == KNOWN["words"].shape
    assert (words.shape.vocab, words.shape.context) == (corpus.VOCAB, corpus.CONTEXT)
    assert words.shape.dim <= 32
    assert words.shape.layers <= 2
    assert words.shape.hidden <= 80


def test_lists_are_split_by_the_hash():
    held, calibration = corpus.packaged("heldout"), corpus.packaged("calibration")
    assert len(held) > 3000
    assert len(calibration) == 512
    assert all(corpus.is_held_out(w) for w in held)
    assert not any(corpus.is_held_out(w) for w in calibration)
    assert all(re.fullmatch("[a-z]{3,14}", w) for w in held + calibration)
    assert held == sorted(set(held))


@pytest.mark.skipif(not corpus.DICTIONARY.is_file(), reason="no system dictionary")
def test_lists_come_from_the_dictionary(tmp_path):
    words = corpus.read()
    if len(words) != 63128:
        pytest.skip("another edition of the dictionary")
    corpus.write_lists(tmp_path, words)
    for name in ("heldout.txt", "calibration.txt"):
        assert (tmp_path / name).read_bytes() == (corpus.HERE / name).read_bytes()


def test_missing_dictionary(tmp_path):
    with pytest.raises(FlowError, match="no word list") as e:
        corpus.read(tmp_path / "none")
    assert e.value.code == ExitCode.MISSING_TOOL


def test_tokenizer(words):
    tok = words.tokenizer()
    assert tok.get_vocab_size() == corpus.VOCAB
    for word in ("cab", "zoo", "metal"):
        assert [*tok.encode(word).ids, corpus.EOS] == corpus.encode(word)
        assert tok.decode(corpus.encode(word)) == word == corpus.decode(corpus.encode(word))
    assert json.loads(tok.to_str()) == json.loads(build_tokenizer().to_str())


def test_quality_of_the_model(words):
    """The numbers of docs/models.md, with a little room."""
    held = [corpus.encode(w) for w in corpus.packaged("heldout")]
    calibration = [corpus.encode(w) for w in corpus.packaged("calibration")]
    model = quantise(words, Policy("rtn"))
    r = report(words, model, {"prose": held})
    again = quantise(words, Policy("gptq"), calibration)
    assert all((again.matrices[n].codes == m.codes).all() for n, m in model.matrices.items())
    exact, rounded = (row.score for row in r.rows)
    assert exact.tokens == sum(len(w) - 1 for w in held)
    assert exact.nll < 1.93
    assert abs(rounded.nll - exact.nll) < 1e-4  # stored on the codes' grid
    assert r.rows[1].agreement > 0.999


def test_the_arithmetic_of_any_size_loses_nothing_on_it(words):
    """Its weights lie on the codes' grid and are not rotated; nano's static ranges cost 0.4 %."""
    held = [corpus.encode(w) for w in corpus.packaged("heldout")][::40]
    calibration = [corpus.encode(w) for w in corpus.packaged("calibration")][:64]
    assert on_grid(words)
    integers = lower(quantise(words, Policy("rtn")), calibration)
    exact = score(words.shape, words.weights(), held)
    assert abs(evaluate(golden_logits(integers), held).nll / exact.nll - 1) < 0.002


def test_activations_suit_static_ranges(words):
    calibration = [corpus.encode(w) for w in corpus.packaged("calibration")]
    taps = activations(words.shape, words.weights(), calibration)
    assert np.abs(taps["logits"]).max() < 32
    assert max(np.abs(a).max() for k, a in taps.items() if "residual" in k) < 256  # 16 bits, in steps of 1/64


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("word", "no model and no checkpoint 'word'; did you mean 'words'"),
        ("Llama3.1-8B", "did you mean 'llama3.1-8b'"),
        (
            "xyzzy",
            r"no model and no checkpoint 'xyzzy'\n.*Known models: words, story, smollm2-135m, llama3.1-8b",
        ),
        ("", "no model and no checkpoint ''"),
        ("a\0b", "no model and no checkpoint"),
        (
            "llama3.1-8b",
            r"weights of llama3.1-8b \(Llama 3.1 8B\) do not come with sc-flow\n.*Give the folder",
        ),
    ],
)
def test_names_that_lead_nowhere(name, message):
    with pytest.raises(FlowError, match=message) as e:
        resolve(name)
    assert e.value.code == ExitCode.USAGE


def test_paths(tmp_path):
    assert resolve(tmp_path) == tmp_path
    assert resolve(str(tmp_path)) == tmp_path


def test_sizes_of_the_large_models():
    def count(name):
        return sum(a * b for a, b in KNOWN[name].shape.matrices().values())

    assert count("llama3.1-8b") == pytest.approx(8.03e9, rel=0.001)
    assert count("smollm2-135m") == pytest.approx(134.5e6, rel=0.001)
