"""The row `quality`: what the integer model loses has a limit, and a ruined model is beyond it."""

from dataclasses import replace

import numpy as np
import pytest

from flow.quality import Request, check_loss, measure, run
from flow.request import LOSS_LIMIT
from flow.tasks.model import open_model
from metal_configs.checkpoint import load
from metal_configs.models import resolve

TEXTS = 30


@pytest.fixture(scope="module")
def words():
    model = open_model(load(resolve("words"), "words"))
    done = run(model, Request("rtn"))
    return model, done, measure(model, done, TEXTS)


def test_the_built_in_model_is_within_the_limit_and_a_ruined_one_is_not(words):
    row, control = check_loss(*words, LOSS_LIMIT)
    assert (row.name, row.status, row.limit) == ("quality", "pass", 10)
    assert row.count <= 3
    assert "of float's loss, 1.1 allowed" in row.detail
    assert (control.name, control.status, control.count) == ("quality_control", "pass", 0)


def test_a_loss_beyond_the_limit_fails_and_says_how_much(words):
    row, _ = check_loss(*words, 1.0001)
    assert row.status == "fail"
    assert row.count > row.limit - 1
    assert row.reason.startswith("the integer model loses 1.0")


def test_a_limit_that_lets_a_ruined_model_pass_is_no_check(words):
    row, control = check_loss(*words, 100.0)
    assert (row.status, control.status, control.count) == ("pass", "fail", 1)
    assert "too high to tell a ruined model" in control.reason


def test_codes_in_reversed_order_fail_as_the_model_itself(words):
    model, done, _ = words
    matrices = {
        n: replace(m, codes=np.ascontiguousarray(m.codes[:, ::-1])) for n, m in done.model.matrices.items()
    }
    ruined = type(done)(replace(done.model, matrices=matrices), done.calibration, done.rotation)
    row, control = check_loss(model, ruined, measure(model, ruined, TEXTS), LOSS_LIMIT)
    assert row.status == "fail"
    assert row.count > 50
    assert control.status == "pass"


def test_a_model_that_predicts_nothing_is_not_judged(words):
    model, done, found = words
    exact = found.rows[0]
    chance = replace(exact, score=replace(exact.score, nll=np.log(model.checkpoint.shape.vocab)))
    rows = check_loss(model, done, replace(found, rows=(chance, *found.rows[1:])), LOSS_LIMIT)
    assert [(r.name, r.status) for r in rows] == [("quality", "not run"), ("quality_control", "not run")]
    assert "no better than chance" in rows[0].reason
