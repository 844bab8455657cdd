import numpy as np
import pytest
import yaml

from base_chip.bank import BankPlan, BankSpec
from base_chip.planned import known_planned, load_planned, parse_planned
from rtl_gen.errors import ExitCode, FlowError
from tests.edits import edited
from tests.planned_base import YAML


def changed(**values) -> str:
    return edited(yaml.safe_load(YAML), **values)


@pytest.mark.parametrize("name", known_planned())
def test_banks_of_shipped_bases_lie_inside_the_die_and_apart(name):
    base = load_planned(name)
    plan = BankPlan(BankSpec(base.rom.word_lines, base.rom.bit_lines))
    assert plan.width <= base.banks.pitch[0] * 1000
    assert plan.height <= base.banks.pitch[1] * 1000
    origins = base.origins()
    assert len(np.unique(origins, axis=0)) == base.rom.banks
    low, high = origins.min(0), origins.max(0) + np.array([plan.width, plan.height])
    edge = base.edge * 1000
    assert (low >= edge).all()
    assert (high <= np.array(base.die) * 1000 - edge).all()
    assert base.sites == base.rom.banks * base.rom.word_lines * base.rom.bit_lines


@pytest.mark.parametrize("name", known_planned())
def test_vias_of_a_row_of_banks_share_one_grid(name):
    """Else each spacing in a metal config would be counted in nm and take more than a byte."""
    base = load_planned(name)
    assert round(base.banks.pitch[0] * 1000) % 690 == 0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": None}, "name is None, expected a value"),
        ({"colour": "red"}, "field colour is 'red', expected no such field"),
        ({"kv_bits": 0}, "kv_bits is 0, expected a whole number of at least 1"),
        ({"kv_bits": True}, "kv_bits is True"),
        ({"die": [1, 2, 3]}, "die is [1, 2, 3], expected a list of 2, each a number"),
        ({"die": [100, 200]}, "die width is 100.0, expected at least 222 um"),
        ({"edge": 0.001}, "edge is 0.001, expected a number of at least 0, a multiple of 0.005 (um)"),
        ({"edge": 15}, "die width"),
        ({"banks__bits": 64}, "banks.bits is 64, expected engine_columns * 4 = 32"),
        ({"banks__rows": None}, "banks.rows is None"),
        ({"banks": 7}, "banks is 7, expected a mapping"),
        ({"engines": 4}, "engines is 4, expected one a column of banks: 3"),
        ({"program_layers": []}, "program_layers is []"),
        ({"program_layers": [["a", 1]]}, "program_layers[0][0] is 'a', expected a whole number"),
    ],
)
def test_a_wrong_field_is_named(change, says):
    with pytest.raises(FlowError) as e:
        parse_planned(changed(**change), where="x.yaml")
    assert says in str(e.value)
    assert "x.yaml" in str(e.value)


def test_what_is_not_yaml_or_not_known():
    with pytest.raises(FlowError, match="not YAML"):
        parse_planned("a: [", where="x.yaml")
    with pytest.raises(FlowError, match="the file is 'x', expected a mapping"):
        parse_planned("x", where="x.yaml")
    with pytest.raises(FlowError, match=r"unknown base 'nano' .* known: reticle, slot") as e:
        load_planned("nano")
    assert e.value.code == ExitCode.USAGE


def test_the_digest_changes_with_every_field():
    base = parse_planned(YAML, where="x")
    assert base.digest() == parse_planned(YAML + "\n", where="y").digest()
    assert base.digest() != parse_planned(changed(context=9), where="x").digest()
