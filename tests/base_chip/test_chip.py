import klayout.db as kdb
import numpy as np
import pytest

from base_chip.bank import BankSpec, build_bank
from base_chip.bank.layout import write_layout
from base_chip.chip import cell_name, merge_chip
from metal_configs.sitemap import SiteMap
from metal_configs.writer import write_metal
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.rom import RomGeometry

ROM = RomGeometry(banks=2, word_lines=8, bits=2, mux=4)
BANKS = ((2_000, 3_000), (25_000, 3_000))


def metal(folder, name="small", seed=0):
    sites = SiteMap.of(name, ROM, BANKS, 690 * np.arange(8), 430 * (np.arange(8) * 3 // 2))
    path = folder / "metal.oas"
    write_metal(path, np.random.default_rng(seed).random((ROM.rows, ROM.bits)) < 0.5, sites)
    return path


def base(folder):
    path, spec = folder / "base.oas", BankSpec(ROM.word_lines, ROM.bit_lines)
    layout = build_bank(spec)
    top = layout.create_cell("scf_small")
    for at in BANKS:
        top.insert(kdb.CellInstArray(layout.cell(spec.name).cell_index(), kdb.Trans(*at)))
    write_layout(layout, path)
    return path


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
