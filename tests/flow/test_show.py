"""A chip becomes a picture without a display."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from klayout import db

from flow.outcome import Outcome
from flow.pdk.files import PdkFiles
from flow.request import BuildConfig
from flow.result_file import write_result as write
from flow.show import chip_of, latest_build, open_viewer, write_png
from rtl_gen.errors import FlowError
from signoff.picture import Extra
from signoff.result import CheckResult

PNG = b"\x89PNG"


@pytest.fixture
def build(tmp_path) -> Path:
    folder = tmp_path / "build" / "m"
    (folder / "metal" / "die0").mkdir(parents=True)
    config = {"model": "m", "model_path": "", "model_digest": ""}
    pdk = {"name": "sky130", "files": {}, "sources": {}, "liberty": {}, "extraction": {}, "digests": {}}
    run = {"config": config, "pdk": pdk, "build": str(folder), "forced": []}
    (folder / ".run.json").write_text(json.dumps(run))
    layout = db.Layout()
    top = layout.create_cell("top")
    top.shapes(layout.layer(69, 44)).insert(db.Box(0, 0, 2000, 1000))
    layout.write(str(folder / "metal" / "die0" / "chip.oas"))
    return folder


def write_result(build: Path, rows: list[tuple[str, str]]) -> None:
    """A result whose rows have a marker database each, and one more file as evidence."""
    (build / "s" / "evidence").mkdir(parents=True)
    outcome = Outcome()
    for name, status in rows:
        markers = f"{name.removeprefix('rom_')}.lyrdb"
        (build / "s" / "evidence" / markers).write_text("")
        kept = tuple(f"s/evidence/{n}" for n in (markers, "magic.log"))
        outcome.checks.append(CheckResult(name, "", "", 0, 0, status, evidence=kept))
    write(build, BuildConfig("m", "", ""), PdkFiles("sky130", {}, {}, {}, {}, {}), outcome)


@pytest.mark.parametrize("window", [None, (0.0, 0.0, 1.0, 1.0)])
def test_png_needs_no_display(build, tmp_path, window):
    path = tmp_path / "pictures" / "chip.png"
    write_png(chip_of(latest_build(build.parent)), path, width=200, window=window)
    data = path.read_bytes()
    assert data.startswith(PNG)
    assert int.from_bytes(data[16:20]) == 200


def test_a_die_of_a_chain_is_shown(build):
    shutil.copytree(build / "metal" / "die0", build / "metal" / "die1")
    assert chip_of(build).layout == build / "metal" / "die0" / "chip.oas"
    assert chip_of(build, 1).layout == build / "metal" / "die1" / "chip.oas"
    with pytest.raises(FlowError, match="no die 2 there") as e:
        chip_of(build, 2)
    assert e.value.hint == "The last die of the build is 1."


def test_a_build_without_a_chip_says_what_to_do(build):
    shutil.rmtree(build / "metal")
    for die in (0, 1):
        with pytest.raises(FlowError) as e:
            chip_of(build, die)
        assert "Run `sc-flow build`" in e.value.hint


def test_a_planned_die_has_a_metal_config_and_no_chip(build):
    (build / "metal" / "die0" / "chip.oas").rename(build / "metal" / "die0" / "metal.oas")
    with pytest.raises(FlowError, match="the dies of this build are planned") as e:
        chip_of(build)
    assert e.value.where.endswith("die0/metal.oas")


def test_an_unwritable_picture_is_one_message(build, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FlowError, match="cannot write"):
        write_png(chip_of(build), tmp_path / "file" / "chip.png", width=100)


def test_the_viewer_gets_layer_names(build, tmp_path, monkeypatch):
    log = tmp_path / "log"
    fake = tmp_path / "bin" / "klayout"
    fake.parent.mkdir()
    fake.write_text(f'#!/bin/sh\necho "$@" > {log}\ncat "$3" >> {log}\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(fake.parent), prepend=":")
    monkeypatch.setenv("DISPLAY", ":0")
    rows = [("drc_magic", "fail"), ("antenna", "pass"), ("density", "waived"), ("rom_zero_area", "fail")]
    write_result(build, rows)
    open_viewer(replace(chip_of(build), apart=(Extra("layers.0.q (weights)", (300, 2), 0x123456),)))
    said = log.read_text()
    assert "chip.oas" in said
    assert "via2 69/44 (program)" in said
    assert "layers.0.q (weights)" in said
    assert f"-m {build}/s/evidence/drc_magic.lyrdb" in said
    assert f"-m {build}/s/evidence/density.lyrdb" in said
    assert f"-m {build}/s/evidence/zero_area.lyrdb" in said
    assert "antenna.lyrdb" not in said


def test_without_a_display_the_way_out_is_named(build, monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr("flow.show.require", lambda name: "1")
    with pytest.raises(FlowError) as e:
        open_viewer(chip_of(build))
    assert "--png" in e.value.hint
