"""Codes are found once for one request, and anew for another or when their file is no longer theirs."""

import json
from pathlib import Path

import numpy as np
import pytest

from flow.kept_codes import CODES, KEY, kept_codes
from rtl_gen.golden.quantised import QuantMatrix, QuantModel
from rtl_gen.golden.shape import Shape

SHAPE = Shape(dim=8, layers=1, heads=2, kv_heads=2, head_dim=4, hidden=8, vocab=8, context=8)


def model(code: int) -> QuantModel:
    sizes = SHAPE.matrices().items()
    matrices = {n: QuantMatrix(4, np.full(size, code, np.int8), np.ones(size[0])) for n, size in sizes}
    return QuantModel("m", SHAPE, matrices, np.ones(SHAPE.dim), (1,))


class Finder:
    """Finds other codes each time."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> QuantModel:
        self.times += 1
        return model(self.times)


def ask(folder: Path, find: Finder, bits: float = 4.5) -> tuple[int, bool]:
    """The code of every weight, and whether it was said that codes were kept."""
    told: list[str] = []
    got = kept_codes(folder, {"bits": bits}, find, told.append)
    assert QuantModel.load(folder / CODES).digest() == got.digest()
    return int(got.matrices["embed"].codes[0, 0]), bool(told)


def test_the_same_request_finds_them_again(tmp_path):
    find = Finder()
    assert [ask(tmp_path, find), ask(tmp_path, find)] == [(1, False), (1, True)]
    assert ask(tmp_path, find, bits=3.6) == (2, False)
    assert ask(tmp_path, find) == (3, False)


def test_codes_of_another_run_are_not_taken(tmp_path):
    find = Finder()
    ask(tmp_path, find)
    model(7).save(tmp_path / CODES)
    assert ask(tmp_path, find) == (2, False)


@pytest.mark.parametrize("name", [CODES, KEY])
@pytest.mark.parametrize("content", [b"", b"null", b"{}", b"\xff" * 99])
def test_a_damaged_file_is_made_anew(tmp_path, name, content):
    find = Finder()
    ask(tmp_path, find)
    (tmp_path / name).write_bytes(content)
    assert [ask(tmp_path, find), ask(tmp_path, find)] == [(2, False), (2, True)]


def test_other_code_of_the_quantiser_finds_others(tmp_path):
    find = Finder()
    ask(tmp_path, find)
    told = json.loads((tmp_path / KEY).read_text())
    (tmp_path / KEY).write_text(json.dumps(told | {"code": "0" * 64}))
    assert ask(tmp_path, find) == (2, False)
