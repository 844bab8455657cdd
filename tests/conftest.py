"""What tests of several packages share: the PDK and its cells."""

import shutil
from pathlib import Path

import pytest

from base_chip.pdk import Pdk, load_pdk
from flow.pdk.files import PdkFiles
from flow.pdk.providers import find_pdk
from rtl_gen.errors import FlowError
from tests.kit import Kit, find_kit


@pytest.fixture(scope="session")
def sky130() -> Pdk:
    return load_pdk("sky130")


@pytest.fixture(scope="session")
def pdk_kit(sky130: Pdk) -> PdkFiles:
    """Files of the PDK; the test is skipped, with the reason, where no kit is installed."""
    try:
        found = find_pdk(sky130, need_all=False)
        found.path("cells")
    except FlowError as e:
        pytest.skip(str(e))
    return found


@pytest.fixture(scope="session")
def kit_cells(pdk_kit: PdkFiles) -> Path:
    """Folder of the kit's cells."""
    return pdk_kit.path("cells")


@pytest.fixture(scope="session")
def library(pdk_kit: PdkFiles) -> Path:
    """Device library of the kit, for tests that simulate with ngspice."""
    if shutil.which("ngspice") is None:
        pytest.skip("ngspice is not on PATH")
    try:
        return pdk_kit.path("spice_models").parent
    except FlowError as e:
        pytest.skip(str(e))


@pytest.fixture(scope="session")
def kit() -> Kit:
    """Design rule decks and technology files, for tests that run EDA tools."""
    return find_kit()
