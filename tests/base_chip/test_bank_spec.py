import pytest

from base_chip.bank import BankPlan, BankSpec
from rtl_gen.errors import ExitCode, FlowError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"word_lines": 7}, r"word_lines is 7, it must be even"),
        ({"word_lines": 0}, r"word_lines is 0, it must be from 2"),
        ({"word_lines": 48}, r"word_lines is 48, it must be a multiple of rows_per_tap \(32\)"),
        ({"bit_lines": 12}, r"bit_lines is 12, it must be a multiple of 8"),
        ({"bit_lines": 2048}, r"bit_lines is 2048, it must be from 8 to 1024"),
        ({"rows_per_tap": 64, "word_lines": 64}, r"n-diff .* um from a tap, latch-up allows 15 um"),
        ({"rows_per_tap": 0}, r"rows_per_tap is 0, it must be at least 2"),
        ({"columns_per_strap": 12}, r"columns_per_strap is 12, it must be a multiple of 8"),
        ({"precharge_fingers": 2}, r"precharge_fingers is 2, it must be one of \(4, 6, 8\)"),
        ({"pdk": "gf12"}, r"unknown PDK 'gf12'"),
    ],
)
def test_a_bank_that_cannot_be_built_is_refused_with_the_reason(options, message):
    with pytest.raises(FlowError, match=message) as e:
        BankSpec(**options)
    assert e.value.code is ExitCode.USAGE


def test_a_bank_is_named_after_its_size():
    assert BankSpec().name == "scf_bank_256x256"
    assert BankSpec(64, 32).name == "scf_bank_64x32"


def test_rows_lie_in_blocks_between_taps():
    plan = BankPlan(BankSpec(64, 8))
    assert len(plan.tap_y) == 3
    for low, high, rows in zip(plan.tap_y, plan.tap_y[1:], plan.word_y.reshape(2, 32), strict=False):
        assert low < rows[0] < rows[-1] < high


def test_columns_lie_in_groups_between_straps():
    plan = BankPlan(BankSpec(8, 72))
    assert plan.groups == ((0, 32), (32, 64), (64, 72))
    for (first, last), left, right in zip(plan.groups, plan.strap_x, plan.strap_x[1:], strict=False):
        assert plan.bit_x[first] - left == right - plan.bit_x[last - 1] == plan.dims.column_pitch
