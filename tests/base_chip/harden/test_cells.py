"""One LEF of all cells, from files as the kit has them."""

import pytest

from base_chip.harden.cells import cell_lef
from rtl_gen.errors import FlowError

LIBRARY = "lib"


def put(folder, cell, text, suffix=".lef"):
    (folder / cell).mkdir(exist_ok=True)
    (folder / cell / f"{LIBRARY}__{cell}_1{suffix}").write_text(text)


def macro(cell, body=""):
    return f"VERSION 5.5 ;\nMACRO {LIBRARY}__{cell}_1\n{body}END {LIBRARY}__{cell}_1\n\nEND LIBRARY\n"


def test_macros_stand_in_one_library_without_level_shifters(tmp_path):
    for cell in ("nand2", "inv", "lpflow_bleeder", "probe_p"):
        put(tmp_path, cell, macro(cell))
    text = cell_lef(tmp_path, LIBRARY)
    assert text.count("MACRO") == 2
    assert text.index("lib__inv_1") < text.index("lib__nand2_1")
    assert text.count("END LIBRARY") == 1
    assert text.startswith("VERSION 5.7 ;")


def test_the_diode_gets_its_diffusion_area(tmp_path):
    body = "  CLASS CORE ANTENNACELL ;\n  PIN DIODE\n  END DIODE\n"
    put(tmp_path, "diode", macro("diode", body))
    put(tmp_path, "diode", "  PIN DIODE\n    ANTENNADIFFAREA  0.434700 ;\n", ".magic.lef")
    assert "PIN DIODE\n    ANTENNADIFFAREA  0.434700 ;\n" in cell_lef(tmp_path, LIBRARY)
    put(tmp_path, "diode", "nothing", ".magic.lef")
    with pytest.raises(FlowError, match="diffusion area"):
        cell_lef(tmp_path, LIBRARY)


def test_a_file_without_macro_and_a_folder_without_files_are_named(tmp_path):
    with pytest.raises(FlowError, match="no LEF of standard cells"):
        cell_lef(tmp_path, LIBRARY)
    put(tmp_path, "inv", "junk")
    with pytest.raises(FlowError, match=r"no MACRO .*") as e:
        cell_lef(tmp_path, LIBRARY)
    assert "lib__inv_1.lef" in str(e.value)


@pytest.mark.flow
def test_the_kit_has_all_cells_that_may_be_used(kit_cells):
    text = cell_lef(kit_cells, "sky130_fd_sc_hd")
    assert text.count("\nMACRO ") > 380
    assert "ANTENNADIFFAREA" in text
