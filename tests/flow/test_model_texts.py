"""Texts to calibrate and to measure on, and what is said about them."""

import shutil

import pytest

from flow.tasks.model import open_model, token_sequences
from metal_configs.checkpoint import load
from metal_configs.models import KNOWN


@pytest.fixture
def model(tmp_path):
    folder = KNOWN["words"].folder
    assert folder is not None
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        shutil.copy(folder / name, tmp_path)
    return open_model(load(tmp_path))


def sequences(model, name="calibration") -> tuple[list[list[int]], list[str]]:
    told: list[str] = []
    return token_sequences(model, name, told.append), told


def test_own_texts_are_opened_closed_and_cut(model, tmp_path):
    (tmp_path / "calibration.txt").write_bytes(b"\xef\xbb\xbf# a note\r\nab\r\n\nabcdefghijklmnopq\n")
    assert sequences(model) == ([[0, 2, 3, 1], [0, *range(2, 17)]], [])


def test_characters_that_the_tokenizer_does_not_know_are_said(model, tmp_path):
    (tmp_path / "heldout.txt").write_text("ab\nZo\u00eb\n\nab c\n", "utf-8")
    found, told = sequences(model, "heldout")
    assert len(found) == 3
    assert told == ["heldout.txt: the tokenizer does not know 33.3% of its characters: ' ', 'Z', '\u00eb'"]


def test_prose_that_a_model_of_letters_cannot_read_is_said(model):
    found, told = sequences(model)
    assert len(found) > 20
    assert told[0].startswith("the packaged calibration prose: the tokenizer does not know 2")
    assert told[0].endswith(" ...")
