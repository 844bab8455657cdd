"""Which faults of a run on windows count: those of the windows, not those of the edges that were cut."""

import klayout.db as kdb
import pytest

from base_chip.pdk.margin import load_margin
from base_chip.stitch import plan_rows
from base_chip.stitch.layout import stitch_layout
from signoff import drc_klayout, drc_magic
from signoff.eda import Eda
from signoff.result import CheckResult
from signoff.seams import drc
from signoff.violations import Fault, Violations
from tests.stitching import PDK, die_of, view, write_tiles

WINDOW = kdb.DBox(100, 100, 120, 120)


def fault(*box: float, rule: str = "met1.SP.1") -> Fault:
    return Fault(rule, "top", box, "")


@pytest.fixture
def die(tmp_path, monkeypatch):
    monkeypatch.setattr(Eda, "missing", lambda self, check: None)
    tile = view("rom")
    plan = plan_rows("pair", "sky130", [[tile, tile]], 30_000)
    layout, _ = stitch_layout(plan, write_tiles([tile], tmp_path), PDK, load_margin(PDK))
    return layout, die_of(plan, tmp_path)


def test_faults_of_cut_edges_and_beyond_the_windows_do_not_count(die, tmp_path, monkeypatch):
    layout, _ = die
    told = [
        fault(110, 110, 111, 111),  # in the window
        fault(98, 105, 101, 106),  # across its edge
        fault(95, 95, 96, 96),  # around it
        fault(109, 105, 130, 106),  # as far as what was cut out
    ]
    monkeypatch.setattr(drc_klayout, "find", lambda *a: Violations(list(told)))
    on = drc._On("scf_pair", tmp_path / "deck", 1)
    assert drc._klayout(layout, {"w": WINDOW}, on, tmp_path).faults == told[:2]


def test_the_windows_of_the_die_are_cut_out_flat(die):
    layout, what = die
    flat = drc._flat(layout, what.top, {"rom east of rom": what.windows["rom east of rom"]})
    top = flat.top_cell()
    assert (top.name, top.is_leaf()) == ("scf_pair", True)
    window = what.windows["rom east of rom"].enlarged(10, 10)
    assert top.dbbox().inside(window)
    assert top.dbbox().width() == pytest.approx(window.width())


@pytest.mark.parametrize("blind", [False, True])
def test_the_error_planted_in_each_window_must_be_found(die, tmp_path, monkeypatch, blind):
    layout, what = die

    def find(name, gds, top, rules, folder, timeout, only=()):
        """Sees what is planted: met1 that no tile has."""
        seen = kdb.Layout()
        seen.read(str(gds))
        planted = kdb.Region(seen.top_cell().begin_shapes_rec(seen.layer(*PDK.layers["met1"])))
        boxes = [p.bbox().to_dtype(0.001) for p in planted.each() if p.bbox().width() == 600]
        return Violations([fault(b.left, b.bottom, b.right, b.top) for b in boxes if not blind])

    monkeypatch.setattr(drc_klayout, "find", find)
    monkeypatch.setattr(drc_magic, "find", find)
    rows: dict[str, CheckResult] = {
        r.name: r for r in drc.run(layout, what, tmp_path, tmp_path, PDK.layers, tmp_path / "out")
    }
    assert set(rows) == {f"seam_drc_{t}{c}" for t in ("klayout", "magic") for c in ("", "_control")}
    assert rows["seam_drc_klayout"].status == "pass"
    assert all(name in rows["seam_drc_klayout"].detail for name in what.windows)
    for tool in ("klayout", "magic"):
        control = rows[f"seam_drc_{tool}_control"]
        assert (control.status, control.count) == (("fail", len(what.windows)) if blind else ("pass", 0))
