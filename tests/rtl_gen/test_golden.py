"""Arithmetic, formats and sampling of the golden model."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtl_gen.golden.arith import round_shift, saturate, xorshift32
from rtl_gen.golden.factors import Factors, pack_lanes
from rtl_gen.golden.rom import RomGeometry
from rtl_gen.golden.sampling import beta_of, select_token


@given(st.integers(-(2**40), 2**40), st.integers(1, 31))
def test_round_shift_rounds_half_up(value, shift):
    assert int(round_shift(value, shift)) == (value + (1 << (shift - 1))) // (1 << shift)


def test_generator_visits_no_state_twice_early():
    state, seen = 1, set()
    for _ in range(10_000):
        state = xorshift32(state)
        assert 0 < state < 2**32
        seen.add(state)
    assert len(seen) == 10_000


def test_draws_follow_the_weights():
    weights = np.array([0, 255, 64, 1, 0, 128])
    state, counts = 7, np.zeros(6)
    for _ in range(20_000):
        token, state = select_token(weights, state)
        counts[token] += 1
    assert counts[0] == counts[4] == 0
    share = weights / weights.sum()
    assert np.abs(counts / counts.sum() - share).max() < 0.012


@given(st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=40))
def test_factors_are_near_what_was_asked(values):
    f = np.array(values)
    if f.max() > 1000:
        return
    fixed = Factors.of(f)
    assert ((fixed.shift + fixed.exponent >= 1) & (fixed.shift + fixed.exponent <= 31)).all()
    near = f > f.max() / 2**14
    near &= f * 2.0**31 > 2**11
    assert np.allclose(fixed.real()[near], f[near], rtol=2**-10)


@pytest.mark.parametrize("values", [[np.inf], [0.0], [np.nan, 1.0], [5000.0]])
def test_factors_refuse_what_they_cannot_express(values):
    with pytest.raises(ValueError, match="factor"):
        Factors.of(np.array(values))


def test_lanes_lie_from_the_low_bits_up():
    rows = pack_lanes(np.array([1, -1, 2047, -2048, 5]), np.array([0, 15, 1, 2, 3]))
    assert [hex(int(r)) for r in rows] == ["0x280017ffffff0001", "0x3005"]


def test_rom_geometry_places_every_bit_once():
    g = RomGeometry(banks=2, word_lines=4, bits=8, mux=2)
    image = np.zeros((g.rows, g.bits), bool)
    image[11, 3] = True  # bank 1, word line 1, second of two rows
    banks = g.to_banks(image)
    assert np.argwhere(banks).tolist() == [[1, 1, 3 * 2 + 1]]
    with pytest.raises(ValueError, match="expected"):
        g.to_banks(image[:-1])


@pytest.mark.parametrize("temperature", [-1, 0.05, 100])
def test_temperatures_that_do_not_fit_a_byte_are_refused(temperature):
    with pytest.raises(ValueError, match="temperature"):
        beta_of(temperature)


def test_saturation_keeps_the_sign():
    assert saturate(np.array([300, -300, 5]), 8).tolist() == [127, -128, 5]
