"""The step that counts a chip's parts, on a base that is not placed and routed yet."""

from dataclasses import replace

import numpy as np
import pytest

from base_chip.assemble import assemble_base, merge_chip
from base_chip.bank import BankSpec, SiteGrid, write_layout
from base_chip.bank.views import write_views
from base_chip.config import Floorplan, load_base
from flow.pdk.files import PdkFiles
from flow.request import BuildConfig
from flow.tasks.assembly import AssemblyTask
from flow.tasks.step import Job
from metal_configs.sitemap import SiteMap
from metal_configs.writer import write_metal
from rtl_gen.golden.rom import RomGeometry
from signoff.readback import read_layout

SMALL = replace(
    load_base("nano"),
    rom=RomGeometry(banks=2, word_lines=8, bits=4, mux=4),
    floorplan=Floorplan(die=(80.0, 60.0), banks=((11.04, 16.32), (46.0, 16.32))),
)
SPEC = BankSpec.of(SMALL.rom, SMALL.pdk)


@pytest.fixture
def job(tmp_path, monkeypatch) -> Job:
    monkeypatch.setattr("base_chip.config.load_base", lambda name: SMALL)
    for name in ("harden", "bank", "metal", "cells", "out", "scratch"):
        (tmp_path / name).mkdir()
    write_views(SPEC, tmp_path / "bank")
    write_layout(assemble_base(SMALL), tmp_path / "base.gds")
    grid = SiteGrid.of(SPEC)
    sites = SiteMap.of(SMALL.name, SMALL.rom, SMALL.floorplan.banks_nm(), grid.x, grid.y)
    bits = np.random.default_rng(1).random((SMALL.rom.rows, SMALL.rom.bits)) < 0.5
    metal = tmp_path / "metal" / "metal.oas"
    write_metal(metal, bits, sites)
    outputs = [tmp_path / "metal" / f"chip.{kind}" for kind in ("gds", "oas")]
    merge_chip(tmp_path / "base.gds", metal, *outputs, model="m")
    pdk = PdkFiles("sky130", {"cells": tmp_path / "cells"}, {}, {}, {}, {})
    inputs = {name: tmp_path / name for name in AssemblyTask.needs}
    config = BuildConfig("m", "nano", "sky130")
    return Job(config, pdk, inputs, tmp_path / "out", tmp_path / "scratch", tmp_path, print)


def test_of_a_base_that_is_not_routed_the_banks_are_looked_at(job):
    found = AssemblyTask().work(job)
    assert {row.name: row.status for row in found.checks if row.status != "pass"} == {}
    assert [row.name for row in found.checks][::2] == [
        "placement", "known_devices", "die_layers", "npc", "bank", "oasis",
    ]  # fmt: skip
    assert found.note == "2 cells and banks, 0 vias"


def test_an_oasis_of_another_chip_fails_its_row_alone(job):
    path = job.inputs["metal"] / "chip.oas"
    layout = read_layout(path)
    layout.cell("scf_nano_metal").shapes(layout.layer(69, 44)).clear()
    write_layout(layout, path)
    found = AssemblyTask().work(job)
    assert [row.name for row in found.checks if row.status == "fail"] == ["oasis"]
