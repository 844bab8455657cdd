"""The built-in story model: its files, what rounding costs it, and what it says."""

import re
from pathlib import Path

import pytest

from flow.quality import Request, run
from flow.tasks.model import open_model, token_sequences
from metal_configs.checkpoint import load
from metal_configs.lower import golden_logits
from metal_configs.models import KNOWN, resolve
from metal_configs.reference import evaluate, logits
from rtl_gen.golden.sampling import beta_of

FOLDER = Path(str(KNOWN["story"].folder))


@pytest.fixture(scope="module")
def story():
    return open_model(load(resolve("story"), "story"))


@pytest.fixture(scope="module")
def done(story):
    return run(story, Request())


def lines(name: str) -> list[str]:
    return (FOLDER / f"{name}.txt").read_text("utf-8").splitlines()


def test_files(story):
    assert story.checkpoint.shape == KNOWN["story"].shape
    assert story.checkpoint.formats == ("F16",)
    assert story.tokenizer.get_vocab_size() == 512
    assert sum(p.stat().st_size for p in FOLDER.iterdir() if p.suffix != ".py") < 600_000
    held, calibration = lines("heldout"), lines("calibration")
    assert len(held) >= 30
    assert len(calibration) >= 30
    assert not set(held) & set(calibration)
    assert all(t.isascii() and t for t in held + calibration)
    assert "Buster Bear" in (FOLDER / "LICENSE.txt").read_text()


def test_rounding_costs_it_little(story, done):
    assert done.model.hadamard == 32
    assert done.average_rom_bits < 4.55
    held = token_sequences(story, "heldout")[::4]
    c = story.checkpoint
    weights = c.weights()
    exact = evaluate(lambda tokens: logits(c.shape, weights, tokens), held)
    found = evaluate(golden_logits(done.integers), held)
    assert exact.tokens > 1500
    assert found.nll < 1.01 * exact.nll


def test_it_tells_stories_in_english(story, done):
    """Most of its words are those of the books' excerpts, and its texts have sentences."""
    known = set(re.findall(r"[a-z]+", " ".join(lines("heldout") + lines("calibration")).lower()))
    decoder, begin = done.decoder(), story.prompt("Once upon a time there was a little")
    for seed in (1, 2, 3):
        ids = [*begin, *decoder.generate(begin, beta=beta_of(0.5), seed=seed)]
        said = story.tokenizer.decode(ids)
        words = re.findall(r"[a-z]+", said.lower())
        assert len(words) > 15
        assert re.search(r"[.!?]", said)
        assert sum(w in known for w in words) > 0.7 * len(words)
