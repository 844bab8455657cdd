"""Arithmetic, formats and sampling of the golden model."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtl_gen.golden.arith import TABLE_SIZE, normalise, round_shift, saturate, xorshift32
from rtl_gen.golden.decoder import GoldenDecoder
from rtl_gen.golden.factors import Factors, pack_lanes
from rtl_gen.golden.isa import Instruction, Op, pair_digits
from rtl_gen.golden.rom import RomGeometry
from rtl_gen.golden.sampling import beta_of, select_token
from tests.rtl_gen.models import SMALL, random_model


@given(st.integers(-(2**40), 2**40), st.integers(1, 31))
def test_round_shift_rounds_half_up(value, shift):
    assert int(round_shift(value, shift)) == (value + (1 << (shift - 1))) // (1 << shift)


@given(st.integers(1, 2**32 - 1))
def test_normalise_brings_the_leading_one_to_the_top(value):
    index, count = normalise(value)
    assert 0 <= index < TABLE_SIZE
    assert 2**30 <= value << (2 * count) < 2**32
    assert index == (value << (2 * count) >> 24) - 64


@pytest.mark.parametrize("value", [0, -1, 2**32])
def test_normalise_refuses_what_has_no_leading_one(value):
    with pytest.raises(ValueError, match="normalise"):
        normalise(value)


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


@given(st.integers(-32, 31))
def test_pairs_of_digits_make_the_code(code):
    first, second = pair_digits(np.array([[code]]))[:, 0]
    assert 8 * first + second == code
    assert -4 <= first <= 3
    assert 0 <= second <= 7


def test_lanes_lie_from_the_low_bits_up():
    rows = pack_lanes(np.array([1, -1, 2047, -2048, 5]), np.array([0, 15, 1, 2, 3]))
    assert [hex(int(r)) for r in rows] == ["0x280017ffffff0001", "0x3005"]


def test_an_instruction_field_that_overflows_is_named():
    with pytest.raises(ValueError, match=r"MATVEC: field n = 512"):
        Instruction(Op.MATVEC, n=512).encode()


def test_rom_geometry_places_every_bit_once():
    g = RomGeometry(banks=2, word_lines=4, bits=8, mux=2)
    image = np.zeros((g.rows, g.bits), bool)
    image[11, 3] = True  # bank 1, word line 1, second of two rows
    banks = g.to_banks(image)
    assert np.argwhere(banks).tolist() == [[1, 1, 3 * 2 + 1]]
    with pytest.raises(ValueError, match="expected"):
        g.to_banks(image[:-1])


def test_a_sequence_does_not_depend_on_the_one_before():
    decoder = GoldenDecoder(random_model(SMALL, 3))
    fresh = list(decoder.generate([2, 4]))
    list(decoder.generate([9], beta=32, seed=5))
    assert list(decoder.generate([2, 4])) == fresh


def test_tokens_and_context_have_limits():
    decoder = GoldenDecoder(random_model(SMALL, 3))
    with pytest.raises(ValueError, match="vocabulary"):
        decoder.feed(SMALL.vocab)
    for _ in range(SMALL.context):
        decoder.feed(0)
    with pytest.raises(ValueError, match="context"):
        decoder.feed(0)


@pytest.mark.parametrize("temperature", [-1, 0.05, 100])
def test_temperatures_that_do_not_fit_a_byte_are_refused(temperature):
    with pytest.raises(ValueError, match="temperature"):
        beta_of(temperature)


def test_saturation_keeps_the_sign():
    assert saturate(np.array([300, -300, 5]), 8).tolist() == [127, -128, 5]
