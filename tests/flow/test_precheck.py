"""`sc-flow precheck`: what it needs, and the two scripts of cf-precheck in KLayout."""

import hashlib
import zipfile

import klayout.db as kdb
import pytest

from base_chip.pdk import load_pdk
from flow.files import cache_root
from flow.precheck import SCRIPTS, fetch, precheck, scripts_root
from rtl_gen.errors import FlowError
from signoff.precheck.decks import path_spikes, pins_on_metal
from tests.kit import needs

PDK = load_pdk("sky130")
HERE = scripts_root(PDK)  # before any test has a cache of its own
SCRIPT = {name: HERE / path for name, path in SCRIPTS.items()}
scripts = pytest.mark.skipif(
    not all(path.is_file() for path in SCRIPT.values()), reason="run: sc-flow precheck --fetch"
)


def test_a_folder_without_a_build_is_one_message(tmp_path):
    with pytest.raises(FlowError):
        precheck(tmp_path)


def test_a_wheel_that_is_not_the_pinned_one_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "cf_precheck-1.3.7-py3-none-any.whl", "w") as z:
        z.writestr(SCRIPTS["path_spikes"], "exit 0")
    with pytest.raises(FlowError, match="SHA-256"):
        fetch(PDK, tmp_path)
    assert not (cache_root() / "precheck").exists()


def test_scripts_lie_under_the_hash_of_their_wheel():
    wheel = next(w for w in PDK.kit.wheels if w.name == "cf-precheck")
    assert scripts_root(PDK).name == wheel.sha256[:12]
    assert len(wheel.sha256) == hashlib.sha256().digest_size * 2


@pytest.fixture
def good(tmp_path):
    layout = kdb.Layout()
    cell = layout.create_cell("chip")
    for purpose in (PDK.layers, PDK.pins):
        cell.shapes(layout.layer(*purpose["met1"])).insert(kdb.Box(0, 0, 1000, 1000))
    cell.shapes(layout.layer(*PDK.layers["met2"])).insert(
        kdb.Path([kdb.Point(0, 0), kdb.Point(2000, 0)], 200)
    )
    layout.write(str(tmp_path / "chip.gds"))
    return tmp_path / "chip.gds"


@pytest.mark.flow
@needs("klayout")
@scripts
def test_scripts_of_cf_precheck_pass_a_good_layout_and_find_their_controls(good, tmp_path):
    where = {"metal": PDK.layers["met1"], "pin": PDK.pins["met1"]}
    rows = pins_on_metal(good, "chip", SCRIPT["pins_on_metal"], tmp_path / "p", **where)
    rows += path_spikes(good, SCRIPT["path_spikes"], tmp_path / "s")
    assert [(row.name, row.status) for row in rows] == [
        (name + control, "pass") for name in SCRIPTS for control in ("", "_control")
    ], rows
