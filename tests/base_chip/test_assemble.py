from dataclasses import replace

import klayout.db as kdb
import numpy as np
import pytest

from base_chip.assemble import assemble_base, cell_name, convert, merge_chip
from base_chip.bank.layout import write_layout
from base_chip.config import BaseConfig, Floorplan, load_base
from metal_configs.sitemap import SiteMap
from metal_configs.writer import write_metal
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.rom import RomGeometry


def small(die=(50.0, 30.0), banks=((2.0, 3.0), (25.0, 3.0))) -> BaseConfig:
    rom = RomGeometry(banks=len(banks), word_lines=8, bits=2, mux=4)
    return replace(load_base("nano"), name="small", rom=rom, floorplan=Floorplan(die, tuple(banks)))


def metal(folder, name="small", seed=0):
    rom = small().rom
    origins = small().floorplan.banks_nm()
    sites = SiteMap.of(name, rom, origins, 690 * np.arange(8), 430 * (np.arange(8) * 3 // 2))
    path = folder / "metal.oas"
    write_metal(path, np.random.default_rng(seed).random((rom.rows, rom.bits)) < 0.5, sites)
    return path


def base(folder):
    path = folder / "base.oas"
    write_layout(assemble_base(small()), path)
    return path


def test_banks_stand_at_their_origins():
    layout = assemble_base(small())
    top = layout.top_cell()
    assert top.name == "scf_small"
    assert top.bbox() == kdb.Box(0, 0, 50_000, 30_000)
    assert [(layout.cell(i.cell_index).name, str(i.trans)) for i in top.each_inst()] == [
        ("scf_bank_8x8", "r0 2000,3000"),
        ("scf_bank_8x8", "r0 25000,3000"),
    ]


def test_the_shipped_bases_can_be_assembled():
    assert assemble_base(load_base("nano")).top_cell().name == "scf_nano"


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (small(die=(40.0, 30.0), banks=((2.0, 3.0), (35.0, 3.0))), ["bank 1", "outside the die", "35"]),
        (small(banks=((2.0, 3.0), (6.0, 3.0))), ["bank 0", "bank 1", "overlap"]),
    ],
)
def test_misplaced_banks_are_named(config, words):
    with pytest.raises(FlowError) as e:
        assemble_base(config)
    for word in ["base small", *words]:
        assert word in str(e.value)


def test_merge_keeps_the_hierarchy_and_gives_the_same_bytes(tmp_path):
    outputs = [tmp_path / f"{n}{s}" for n in "ab" for s in (".gds", ".oas")]
    b, m = base(tmp_path), metal(tmp_path)
    assert merge_chip(b, m, *outputs[:2], model="my-model.1") == "scf_small_my_model_1"
    merge_chip(b, m, *outputs[2:], model="my-model.1")
    assert outputs[0].read_bytes() == outputs[2].read_bytes()
    assert outputs[1].read_bytes() == outputs[3].read_bytes()
    for path in outputs[:2]:
        layout = kdb.Layout()
        layout.read(str(path))
        children = [layout.cell(i.cell_index).name for i in layout.top_cell().each_inst()]
        assert sorted(children) == ["scf_small", "scf_small_metal"]


def test_convert(tmp_path):
    convert(metal(tmp_path), tmp_path / "metal.gds")
    a, b = kdb.Layout(), kdb.Layout()
    a.read(str(tmp_path / "metal.oas"))
    b.read(str(tmp_path / "metal.gds"))
    regions = [kdb.Region(x.top_cell().begin_shapes_rec(x.layer(69, 44))) for x in (a, b)]
    assert (regions[0] ^ regions[1]).is_empty()
    assert not regions[0].is_empty()


def test_bad_input_to_merge(tmp_path):
    b, m = base(tmp_path), metal(tmp_path)
    out = tmp_path / "chip.gds"
    with pytest.raises(FlowError, match="scf_other_metal, expected scf_small_metal"):
        merge_chip(b, metal(tmp_path, "other"), out, model="m")
    m = metal(tmp_path)
    with pytest.raises(FlowError) as e:
        merge_chip(b, m, tmp_path / "none" / "chip.gds", model="m")
    assert e.value.code == ExitCode.OUTPUT
    cut = tmp_path / "cut.oas"
    for data in (b.read_bytes()[:200], b"", b"text"):
        cut.write_bytes(data)
        with pytest.raises(FlowError, match=r"cut\.oas"):
            merge_chip(cut, m, out, model="m")
    with pytest.raises(FlowError, match=r"absent\.oas"):
        merge_chip(tmp_path / "absent.oas", m, out, model="m")
    assert not out.exists()


def test_cell_name():
    assert cell_name("scf_nano_llama3.1-8b") == "scf_nano_llama3_1_8b"
    assert cell_name("é") == "_"
