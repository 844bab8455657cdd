"""Magic's rules of layers that a layout does not have are left out, and nothing else is lost with them."""

import shutil

import klayout.db as kdb
import pytest

from base_chip.pdk import load_pdk
from base_chip.pdk.checks import load_checks
from flow.pdk import find_pdk, tech_for_magic
from rtl_gen.errors import FlowError
from signoff import drc_magic
from signoff.absent_rules import without_absent
from signoff.eda import MAGIC

PDK = load_pdk("sky130")
ABSENT = load_checks(PDK).magic_absent
PASSIVATION, REDISTRIBUTION = (76, 20), (74, 20)
TECH = """drc
 width metrdl 10000 "RDL width < %d (rdl.1)"
 spacing metrdl metrdl 10000 touching_ok "RDL spacing < %d (rdl.2)"
 surround glass metrdl 10750 absence_ok "RDL must surround glass cut by %d (rdl.3)"
 spacing glass metrdl 19660 surround_ok "RDL spacing to unrelated pad < %d (rdl.6)"
 width allm1 140 "Metal1 width < %d (met1.1)"
end
"""


@pytest.fixture
def tech(tmp_path):
    path = tmp_path / "sky130A.tech"
    path.write_text(TECH)
    return path


def layout(path, *boxes, layer=PDK.layers["met1"]):
    out = kdb.Layout()
    cell = out.create_cell("top")
    inner = out.create_cell("inner")
    cell.insert(kdb.CellInstArray(inner.cell_index(), kdb.Trans()))
    for box in boxes or [(0, 0, 1000, 1000)]:
        inner.shapes(out.layer(*layer)).insert(kdb.Box(*box))
    out.write(str(path))
    return path


def test_rules_of_absent_layers_go_and_no_other(tech, tmp_path):
    used, names = without_absent(tech, layout(tmp_path / "a.gds"), ABSENT, tmp_path / "out.tech")
    assert names == ["rdl.1", "rdl.2", "rdl.3", "rdl.6"]
    assert used.read_text() == "".join(line for line in TECH.splitlines(True) if "rdl" not in line)
    assert tech.read_text() == TECH


@pytest.mark.parametrize("layer", [PASSIVATION, REDISTRIBUTION, (74, 5), (76, 16)])
def test_with_a_shape_of_such_a_layer_anywhere_the_rules_stay(tech, tmp_path, layer):
    drawn = layout(tmp_path / "a.gds", layer=layer)
    assert without_absent(tech, drawn, ABSENT, tmp_path / "out.tech") == (tech, [])
    assert not (tmp_path / "out.tech").exists()


def test_a_rule_that_the_technology_lacks_is_told(tech, tmp_path):
    tech.write_text(TECH.replace("(rdl.3)", "(rdl.33)"))
    with pytest.raises(FlowError, match=r"rule rdl.3 is there 0 times"):
        without_absent(tech, layout(tmp_path / "a.gds"), ABSENT, tmp_path / "out.tech")


@pytest.mark.parametrize("content", [b"", b"no layout", bytes(range(256))])
def test_a_damaged_layout_is_told(tech, tmp_path, content):
    (tmp_path / "a.gds").write_bytes(content)
    with pytest.raises(FlowError, match="damaged"):
        without_absent(tech, tmp_path / "a.gds", ABSENT, tmp_path / "out.tech")


@pytest.mark.flow
@pytest.mark.skipif(shutil.which("magic") is None, reason="magic is not on PATH")
def test_in_the_kits_technology_narrow_redistribution_metal_is_still_found(tmp_path):
    whole = tech_for_magic(find_pdk(PDK, need_all=False).path("magic_tech"), MAGIC.version())
    thin = layout(tmp_path / "thin.gds", (0, 0, 2000, 50_000), layer=REDISTRIBUTION)
    used, names = without_absent(whole, thin, ABSENT, tmp_path / "thin.tech")
    assert (used, names) == (whole, [])
    result = drc_magic.run(thin, "top", used, tmp_path / "thin")
    assert (result.status, "rdl.1" in result.detail) == ("fail", True), result


@pytest.mark.flow
@pytest.mark.skipif(shutil.which("magic") is None, reason="magic is not on PATH")
def test_all_other_faults_are_the_same_without_them(tmp_path):
    whole = tech_for_magic(find_pdk(PDK, need_all=False).path("magic_tech"), MAGIC.version())
    drawn = kdb.Layout()
    cell = drawn.create_cell("top")
    # Narrow and near shapes over 60 um; p-diffusion far from any tap, as latch-up reaches furthest
    for n, name in enumerate(("met1", "met2", "met3", "met4", "met5", "li1", "poly", "via2", "mcon")):
        for step in range(12):
            x, y = 5000 * step, 3000 * n
            cell.shapes(drawn.layer(*PDK.layers[name])).insert(kdb.Box(x, y, x + 90, y + 900 + 100 * step))
            cell.shapes(drawn.layer(*PDK.layers[name])).insert(kdb.Box(x + 130, y, x + 700, y + 400))
    for name, box in {"nwell": (0, 40_000, 60_000, 46_000), "diff": (1000, 42_000, 3000, 44_000)}.items():
        cell.shapes(drawn.layer(*PDK.layers[name])).insert(kdb.Box(*box))
    cell.shapes(drawn.layer(*PDK.layers["psdm"])).insert(kdb.Box(800, 41_800, 3200, 44_200))
    drawn.write(str(tmp_path / "bad.gds"))
    less, names = without_absent(whole, tmp_path / "bad.gds", ABSENT, tmp_path / "less.tech")
    assert len(names) == len(ABSENT)
    found = [
        faults(tmp_path / "bad.gds", tech, tmp_path / folder)
        for folder, tech in (("whole", whole), ("less", less))
    ]
    assert any("LU.3" in rule for rule in found[0])
    assert len(found[0]) > 10
    assert set(found[0]) == set(found[1])
    assert all((found[0][rule] ^ found[1][rule]).is_empty() for rule in found[0])


def faults(gds, tech, folder) -> dict[str, kdb.Region]:
    """Where each rule is broken; how Magic cuts one place into boxes is not told."""
    drc_magic.run(gds, "top", tech, folder)
    out: dict[str, kdb.Region] = {}
    for report in folder.glob("part*/report.txt"):
        for *box, _, rule in drc_magic.parse_report(report):
            out.setdefault(rule, kdb.Region()).insert(kdb.DBox(*map(float, box)).to_itype(0.001))
    return out
