"""Two by two small rom tiles, stitched: what touches is joined, in time and by the rules; faults are told."""

import pytest

from flow.stitching.power import check_power
from flow.stitching.run import pictures
from flow.stitching.seams import check_seams
from tests.kit import needs
from tests.tiny_tile import TILE, stitch_quad

pytestmark = [pytest.mark.flow, needs("klayout", "magic", "netgen-lvs", "sta")]
ROWS = {
    "seam_placement", "seam_supplies", "seam_lvs", "seam_drc_klayout", "seam_drc_magic",
    "seam_sta_slow", "seam_sta_typical", "seam_sta_fast", "seam_lvs_netgen",
}  # fmt: skip
CONTROLLED = {"seam_placement", "seam_supplies", "seam_lvs", "seam_drc_klayout", "seam_drc_magic", "seam_sta"}


@pytest.fixture(scope="module")
def stitched(tile, pdk_kit, tmp_path_factory):
    return stitch_quad(*tile, pdk_kit, tmp_path_factory.mktemp("quad"))


def test_a_die_is_stitched_and_drawn(stitched):
    made, _ = stitched
    suffixes = {p.name.removeprefix("quad") for p in made.folder.iterdir()}
    assert suffixes == {".gds", ".v", ".lvs.v", ".lef", ".sdc"}
    for picture in pictures(made):
        assert picture.read_bytes().startswith(b"\x89PNG")


def test_every_check_of_the_seams_passes_and_finds_what_is_planted(stitched, pdk_kit, tmp_path):
    made, tiles = stitched
    rows, metrics = check_seams(made, tiles, TILE.target_ns, pdk_kit, tmp_path)
    for row in rows:
        print(row.name, row.status, row.reason, row.detail)
    print(metrics)
    assert {r.name for r in rows} == ROWS | {f"{name}_control" for name in CONTROLLED}
    assert [r for r in rows if r.status != "pass"] == []
    assert min(metrics.values()) > 0


def test_the_supplies_reach_every_cell_of_a_die(stitched, pdk_kit):
    found = check_power(*stitched, TILE.target_ns, pdk_kit)
    assert [(r.name, r.status) for r in found.rows] == [("ir_drop", "pass"), ("ir_drop_control", "pass")]
    assert len(found.places) > 10_000
    assert {name.partition(".")[0] for name in found.places} == {
        f"rom_{r}_{c}" for r in (0, 1) for c in (0, 1)
    }
    assert 0.01 < found.metrics["supply_ohms_vpwr"] < 10
