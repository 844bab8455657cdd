"""What the report says of ROM and area."""

from types import SimpleNamespace

import numpy as np
import pytest

from flow.report.die_areas import tile_area
from flow.report.figures import (
    area_by_kind,
    category,
    cell_counts,
    code_histograms,
)
from rtl_gen.golden.quantised import QuantMatrix


def test_codes_are_counted_from_the_lowest():
    model = SimpleNamespace(matrices={"q": QuantMatrix(3, np.array([[-4, 3], [3, 0]], np.int8), np.ones(2))})
    assert code_histograms(model) == {"q": {"bits": 3, "counts": [1, 0, 0, 0, 1, 0, 0, 2]}}


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("dfrtp_1", "flip-flops, latches"),
        ("sdfxtp_2", "flip-flops, latches"),
        ("dlxtp_1", "flip-flops, latches"),
        ("dlclkp_1", "clock gates"),
        ("clkbuf_16", "clock tree buffers"),
        ("buf_2", "buffers, inverters"),
        ("dlygate4sd3_1", "buffers, inverters"),
        ("mux4_1", "multiplexers"),
        ("fa_1", "adders"),
        ("diode_2", "antenna diodes"),
        ("fill_4", "fill, taps"),
        ("nand2_1", "other logic"),
        ("a21oi_1", "other logic"),
    ],
)
def test_cells_are_told_apart_by_function(cell, kind):
    name = f"sky130_fd_sc_hd__{cell}"
    found = area_by_kind({name: 3, "scf_bank": 1}, {name: 2.5, "scf_bank": 100.0}, "sky130_fd_sc_hd__")
    assert found == [
        {"kind": "scf_bank", "cells": 1, "um2": 100.0},
        {"kind": kind, "cells": 3, "um2": 7.5},
    ]


NETLIST = """
module half (a); input a; wire b; lib__inv_1 i0 (.A(a), .Y(b)); lib__inv_1 i1 (.A(b)); endmodule
module top (a); input a; half h0 (.a(a)); half h1 (.a(a)); lib__buf_1 b (.A(a)); mem m (.A(a));
tech t (.A(a)); endmodule
"""
AREAS = {"lib__inv_1": 2.0, "lib__buf_1": 3.0, "mem": 100.0}


def test_cells_of_modules_count_as_often_as_the_module(tmp_path):
    (tmp_path / "a.v").write_text(NETLIST)
    assert cell_counts(tmp_path / "a.v", AREAS) == {"lib__inv_1": 4, "lib__buf_1": 1, "mem": 1}


def test_a_tile_has_cells_and_memories(tmp_path):
    (tmp_path / "a.v").write_text(NETLIST)
    block = SimpleNamespace(die=(20.0, 10.0), macros={"m": SimpleNamespace(name="mem")})
    area, found = tile_area("rom", 3, block, tmp_path / "a.v", "routed", AREAS)
    assert (area.um2, area.total_um2) == (200.0, 600.0)
    assert (area.cells, area.cells_um2, area.memories, area.memories_um2) == (5, 11.0, 1, 100.0)
    assert found.total() == 6
    area, found = tile_area("rom", 3, block, None, "neither", AREAS)
    assert (area.cells, area.cells_um2, area.memories, area.memories_um2) == (0, 0, 1, 100.0)
    assert found == {"mem": 1}


def test_every_matrix_of_a_model_has_a_category():
    assert category("final", "weights") == "final"
    assert category("layers.3.down", "weights") == "down"
    assert category("layers.3.down", "factors") == "factors"
    assert category("other", "weights") == "unused"
