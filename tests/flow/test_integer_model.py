from dataclasses import fields, is_dataclass

import numpy as np
import pytest

from flow.tasks.integer_model import NAME, integer_model, save_integer_model
from rtl_gen.errors import FlowError
from tests.rtl_gen.test_network import SHAPE, random_model


def equal(a: object, b: object) -> bool:
    if is_dataclass(a):
        return type(a) is type(b) and all(equal(getattr(a, f.name), getattr(b, f.name)) for f in fields(a))
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b)
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(equal, a, b))
    return a == b


def test_what_is_read_is_what_was_written_and_bytes_do_not_change(tmp_path):
    model = random_model(SHAPE, 1)
    save_integer_model(model, tmp_path)
    first = (tmp_path / NAME).read_bytes()
    assert equal(integer_model(tmp_path), model)
    save_integer_model(integer_model(tmp_path), tmp_path)
    assert (tmp_path / NAME).read_bytes() == first


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-9], lambda b: b"", lambda b: b.replace(b"layers", b"player")]
)
def test_a_damaged_file_is_one_message(tmp_path, damage):
    save_integer_model(random_model(SHAPE, 1), tmp_path)
    (tmp_path / NAME).write_bytes(damage((tmp_path / NAME).read_bytes()))
    with pytest.raises(FlowError, match="not an integer model"):
        integer_model(tmp_path)
