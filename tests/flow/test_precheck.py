"""`sc-flow precheck`: what it needs, and the two scripts of cf-precheck in KLayout."""

import hashlib
import zipfile

import klayout.db as kdb
import pytest

from base_chip.bank.lef import macro_lef
from base_chip.bank.pins import BankPin, PinRect
from base_chip.pdk import load_pdk
from flow.files import cache_root
from flow.precheck import SCRIPTS, fetch, precheck, scripts_root
from rtl_gen.errors import FlowError
from signoff.precheck.decks import path_spikes, pins_on_metal
from tests.flow.die_builds import BASE, DIE, make_build
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


CELL = f"scf_{BASE}"
SIZE = tuple(round(v * 1000) for v in DIE.die)
PINS = [
    BankPin("clk", "INPUT", "SIGNAL", (PinRect("met3", 0, 5000, 1000, 5300),)),
    BankPin("d[0]", "INPUT", "SIGNAL", (PinRect("met3", 0, 7000, 1000, 7300),)),
    BankPin("q", "OUTPUT", "SIGNAL", (PinRect("met3", 0, 9000, 1000, 9300),)),
    BankPin("VPWR", "INOUT", "POWER", (PinRect("met4", 5000, 0, 6600, 1000),)),
    BankPin("VGND", "INOUT", "GROUND", (PinRect("met4", 9000, 0, 10600, 1000),)),
]
NETLIST = f"module {CELL} (clk, d, q);\n  input clk;\n  input [0:0] d;\n  output q;\nendmodule\n"


@pytest.fixture(params=[1, 2], ids=["a die", "two dies"])
def build(request, tmp_path):
    """A build whose dies have pins and a margin, and one cell."""
    made = make_build(tmp_path / "m", 1, dies=request.param).folder
    (made / "stitch").mkdir()
    (made / "stitch" / f"{BASE}.lef").write_text(macro_lef(CELL, SIZE, PINS, [], lambda pin: ()))
    (made / "stitch" / f"{BASE}.v").write_text(NETLIST)
    for n in range(request.param):
        name = f"{CELL}_m_die{n}" if request.param > 1 else f"{CELL}_m"
        draw(name).write(str(made / "metal" / f"die{n}" / "chip.gds"))
    return made


def draw(top: str) -> kdb.Layout:
    layout = kdb.Layout()
    chip, base, cell = (layout.create_cell(name) for name in (top, CELL, "inv"))
    chip.insert(kdb.CellInstArray(base.cell_index(), kdb.Trans()))
    base.insert(kdb.CellInstArray(cell.cell_index(), kdb.Trans(5000, 5000)))
    cell.shapes(layout.layer(*PDK.layers["met1"])).insert(kdb.Box(0, 0, 500, 500))
    base.shapes(layout.layer(*PDK.layers["prBoundary"])).insert(kdb.Box(0, 0, *SIZE))
    for pin in PINS:
        for rect in pin.rects:
            box = kdb.Box(rect.x0, rect.y0, rect.x1, rect.y1)
            for purpose in (PDK.layers, PDK.pins):
                base.shapes(layout.layer(*purpose[rect.layer])).insert(box)
            text = kdb.Text(pin.name, kdb.Trans(box.center().x, box.center().y))
            base.shapes(layout.layer(*PDK.labels[rect.layer])).insert(text)
    return layout


OWN = ["cell_names", "boundary", "pins", "labels", "off_grid"]


def test_dies_as_lef_netlist_and_floorplan_have_them_pass(build):
    rows = {row.name: row.status for row in precheck(build, drc=False)}
    passed = {name + control: "pass" for name in OWN for control in ("", "_control")}
    assert rows == passed | dict.fromkeys(SCRIPTS, "not run")  # the cache of a test has no scripts


@pytest.mark.parametrize(
    ("suffix", "old", "new", "row", "told"),
    [
        ("v", "output q", "input q", "pins", "pin q is OUTPUT in the LEF, INPUT in the netlist"),
        ("v", "  output q;", "  output q;\n  output x;", "pins", "pin x is missing in the LEF"),
        ("lef", "9.000 1.000 9.300", "9.000 1.000 9.305", "pins", "is not drawn as a pin"),
        ("lef", "5.000 1.000 5.300", "4.000 1.000 4.300", "labels", "lies on no pin"),
    ],
)  # fmt: skip
def test_what_differs_is_found_on_the_last_die_too(build, suffix, old, new, row, told):
    path = build / "stitch" / f"{BASE}.{suffix}"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    rows = {r.name: r for r in precheck(build, drc=False)}
    assert rows[row].status == "fail"
    dies = sorted(build.glob("precheck/die*"))
    assert all(told in (die / f"{row}.rpt").read_text() for die in dies)
    assert len(dies) == len(list(build.glob("metal/die*")))


def test_a_die_of_another_name_or_size_is_found(build):
    last = sorted(build.glob("metal/die*"))[-1]
    layout = draw("chip")
    layout.cell(CELL).clear(layout.layer(*PDK.layers["prBoundary"]))
    layout.write(str(last / "chip.gds"))
    rows = {r.name: r for r in precheck(build, drc=False)}
    assert rows["cell_names"].status == rows["boundary"].status == "fail"
    assert rows["labels"].status == "pass"


@pytest.mark.parametrize("name", [f"stitch/{BASE}.lef", f"stitch/{BASE}.v", "metal/die0/chip.gds"])
def test_what_is_missing_is_named(build, name):
    (build / name).unlink()
    with pytest.raises(FlowError, match="no chip of routed tiles there") as e:
        precheck(build, drc=False)
    assert name in e.value.what


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
