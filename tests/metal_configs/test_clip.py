import numpy as np
import pytest

from metal_configs.words.clip import best_clip


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
def test_clips_follow_the_data(scale):
    values = np.random.default_rng(1).normal(size=20_000) * scale
    clip = best_clip(values)
    assert 2.5 * scale < clip <= np.abs(values).max()
    assert best_clip(np.zeros(4)) == 1.0
