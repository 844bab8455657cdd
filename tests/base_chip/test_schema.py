"""YAML as dataclasses: a fault is named by file and field."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import pytest
import yaml

from base_chip.schema import Layer, Name, Ns, Point, bad, digest, note, parse
from rtl_gen.errors import ExitCode, FlowError


@dataclass(frozen=True)
class Inner:
    """Fields of each kind."""

    dim: Annotated[int, note(ge=1)]
    share: Annotated[float, note(gt=0, le=1)]


@dataclass(frozen=True)
class Config:
    """What a file holds."""

    name: Name
    layers: Annotated[tuple[Layer, ...], note(length=1)]
    inner: Inner
    places: tuple[Point, ...]
    die: Point
    periods: Annotated[Mapping[str, Ns], note(length=1)]


RIGHT = {
    "name": "a",
    "layers": [[69, 44]],
    "inner": {"dim": 2, "share": 0.5},
    "places": [[1.005, 0], [3, 4]],
    "die": [10, 20],
    "periods": {"slow": 40},
}


def read(**changes: object) -> Config:
    return parse(yaml.safe_dump(RIGHT | changes), Config, "my.yaml")


def test_a_right_file_is_read_and_its_digest_is_of_its_fields():
    found = read()
    assert found.places == ((1.005, 0), (3, 4))
    assert found.inner == Inner(2, 0.5)
    assert digest(found) == digest(parse(yaml.safe_dump(RIGHT, indent=7), Config, "other.yaml"))
    assert digest(found) != digest(read(die=[10, 20.5]))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"inner": {"share": 1}}, ["inner.dim", "missing"]),
        ({"inner": {"dim": 0, "share": 1}}, ["inner.dim", "0", "at least 1"]),
        ({"inner": {"dim": True, "share": 1}}, ["inner.dim", "True"]),
        ({"inner": {"dim": "32", "share": 1}}, ["inner.dim", "'32'"]),
        ({"inner": {"dim": 2, "share": 1, "size": 3}}, ["inner.size", "known: dim"]),
        ({"inner": {"dim": 2, "share": 1.2}}, ["inner.share", "1.2", "at most 1"]),
        ({"inner": {"dim": 2, "share": float("nan")}}, ["inner.share is nan"]),
        ({"inner": [1]}, ["inner", "mapping"]),
        ({"colour": "red"}, ["colour"]),
        ({"layers": [[69]]}, ["layers[0] is [69]", "a list of 2"]),
        ({"layers": [[69, "x"]]}, ["layers[0][1]", "'x'"]),
        ({"layers": []}, ["layers"]),
        ({"places": [[0, -1]]}, ["places[0]", "-1"]),
        ({"places": [[0, 0.001]]}, ["places[0]", "0.001", "a multiple of 0.005"]),
        ({"die": [1, 2, 3]}, ["die", "a list of 2"]),
        ({"periods": {"slow": -1}}, ["periods.slow", "-1"]),
        ({"periods": {"slow": float("inf")}}, ["periods.slow is inf"]),
        ({"periods": []}, ["periods", "a mapping, each value a number above 0 (ns)"]),
        ({"name": ""}, ["name", "text, not empty"]),
        ({"name": 130}, ["name", "130"]),
    ],
)
def test_bad_fields_are_named(changes, words):
    with pytest.raises(FlowError) as e:
        read(**changes)
    assert e.value.code == ExitCode.BAD_INPUT
    for word in ["my.yaml", *words]:
        assert word in str(e.value)


@pytest.mark.parametrize("text", ["", "- 1", "{", "name: [", "\t", "&a [*a]"])
def test_what_is_no_file_of_fields_is_told(text):
    with pytest.raises(FlowError, match=r"my\.yaml"):
        parse(text, Config, "my.yaml")


def test_a_fault_that_a_reader_finds_itself_is_told_alike():
    assert str(bad("my.yaml", "die", 3, "more")).startswith("my.yaml: die is 3, expected more")
