"""Text that a model writes, to calibrate on."""

import itertools

import numpy as np
import pytest

from metal_configs.quantise import Folded
from metal_configs.reference import logits

torch = pytest.importorskip("torch", reason='needs PyTorch: pip install -e ".[train]"')

from metal_configs.quantise import differentiable, samples  # noqa: E402
from metal_configs.quantise.samples import sample  # noqa: E402
from tests.metal_configs.test_learned import TIED, UNTIED, checkpoint  # noqa: E402


@pytest.fixture(autouse=True)
def exact_products(monkeypatch):
    for module in (differentiable, samples):
        monkeypatch.setattr(module, "FAST", torch.float32)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("shape", [TIED, UNTIED])
def test_tokens_come_as_often_as_the_model_says(shape, monkeypatch):
    """Of the third token of 4,096 texts that begin alike: no token is off by more than chance allows."""
    monkeypatch.setattr(samples, "LENGTH", 3)
    monkeypatch.setattr(samples, "TEXTS", 4096)
    c, start = checkpoint(shape), [5, 2]
    texts = sample(shape, Folded(c, None), itertools.repeat(start), 3 * 4096)
    assert len(texts) == 4096
    assert all(t[:2] == start and len(t) == 3 for t in texts)
    y = logits(shape, c.weights(), np.array([start]))[0, -1].astype(float)
    expected = len(texts) * np.exp(y - y.max()) / np.exp(y - y.max()).sum()
    found = np.bincount([t[2] for t in texts], minlength=shape.vocab)
    assert (np.abs(found - expected) < 4.5 * np.sqrt(expected) + 2).all()


def test_every_token_sees_all_before_it():
    """The divergence of what was chosen from what the reference says is that of chance."""
    c = checkpoint(TIED)
    texts = sample(TIED, Folded(c, None), ([n % TIED.vocab] for n in itertools.count()), 4000)
    tokens = np.array(texts)
    y = logits(TIED, c.weights(), tokens[:, :-1], dtype=np.float64)
    log = y - np.log(np.exp(y).sum(-1, keepdims=True))
    entropy = -(np.exp(log) * log).sum(-1)
    nats = -np.take_along_axis(log, tokens[:, 1:, None], -1)[..., 0]
    spread = np.sqrt((np.exp(log) * (log + entropy[..., None]) ** 2).sum())
    assert abs((nats - entropy).sum()) < 4.5 * spread


def test_the_same_again_and_a_text_is_over_behind_its_end():
    c, starts = checkpoint(TIED), [[1], [2, 3, 4], [7] * 40]
    told: list[str] = []
    texts, again = (
        sample(TIED, Folded(c, None), itertools.cycle(starts), 3000, end=9, say=told.append) for _ in range(2)
    )
    assert texts == again
    assert 3000 <= sum(map(len, texts)) < 3000 + TIED.context
    assert told[0] == "samples: 0 of 3,000 tokens"
    assert max(map(len, texts)) == TIED.context
    over = [t for t in texts if 9 in t]
    assert all(t.index(9) == len(t) - 1 for t in over)
    assert 0 < len(over) < len(texts)
    assert all(len(t) == TIED.context for t in texts if 9 not in t)
